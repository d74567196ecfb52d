"""Names of the studies that belong to another study."""


def stage_study(study: str, stage: str) -> str:
    """Return the name of a stage's study."""
    return f"{study}.{stage}"


def confirm_study(search: str) -> str:
    """Return the name of the study that confirms a suggested learning rate."""
    return f"{search}.confirm"
