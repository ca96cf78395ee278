"""From a service's metrics and requirements to an SLO framework that a team can merge."""
