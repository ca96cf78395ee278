"""What a service logs, as templates: their texts, and which are new, vanished or changed.

mined = mine_templates([before, after])          each an iterable of (operation, message)
compare(mined, calls_before, calls_after)        what changed, per call of the operation
"""

from holdfast.diagnosis.templates.compare import TemplateChange, compare
from holdfast.diagnosis.templates.miner import MinedTemplates, Template, mine_templates

__all__ = ["MinedTemplates", "Template", "TemplateChange", "compare", "mine_templates"]
