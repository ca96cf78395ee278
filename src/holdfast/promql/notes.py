"""What Prometheus says beside an answer: warnings, and infos.

The words are those of util/annotations/annotations.go, without the position in the expression,
which the parser does not tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WARNING, INFO = "PromQL warning: ", "PromQL info: "


class Notes:
    """The notes of one query, each once, in order."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    def warn(self, text: str) -> None:
        """Note what makes the answer doubtful."""
        self._texts[WARNING + text] = None

    def info(self, text: str) -> None:
        """Note what may be as it was meant."""
        self._texts[INFO + text] = None

    def texts(self) -> tuple[str, ...]:
        """Return all notes."""
        return tuple(self._texts)

    def quantile(self, phi: NDArray[np.float64]) -> None:
        """Warn of quantiles outside of 0 to 1."""
        outside = phi[~((phi >= 0) & (phi <= 1))]
        if outside.size:
            shown = f"{outside[0]:g}".replace("nan", "NaN").replace("inf", "Inf")
            self.warn(f"quantile value should be between 0 and 1, got {shown}")

    def bucket_label(self, bound: str, metric: str) -> None:
        """Warn of a series that is no classic bucket."""
        self.warn(
            f'bucket label "le" is missing or has a malformed value of "{bound}" '
            f'for metric name "{metric}"'
        )

    def fixed_monotonicity(self, metric: str) -> None:
        """Tell that buckets decreased where they may only increase."""
        self.info(
            "input to histogram_quantile needed to be fixed for monotonicity "
            f'for metric name "{metric}"'
        )

    def ignored_in_aggregation(self, op: str) -> None:
        """Tell that native histograms were left out of an aggregation."""
        self.info(f"ignored histogram in {op} aggregation")

    def ignored_in_range(self, metric: str) -> None:
        """Tell that native histograms were left out beside floats."""
        self.info(
            "ignored histograms in a range containing both floats and histograms "
            f'for metric name "{metric}"'
        )

    def mixed(self, metric: str) -> None:
        """Warn that windows which mix both kinds have no answer."""
        self.warn(f'encountered a mix of histograms and floats for metric name "{metric}"')

    def incompatible(self, op: str) -> None:
        """Tell that samples were dropped for which the operator has no meaning."""
        self.info(f'incompatible sample types encountered for binary operator "{op}"')

    def ineffective_sort(self) -> None:
        """Warn of a sort whose order no range query shows."""
        self.warn(
            "sort is ineffective for range queries since results are always ordered by labels"
        )
