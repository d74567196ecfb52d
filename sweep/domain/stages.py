"""What the studies are called that another study is made of."""


def stage_study(study: str, stage: str) -> str:
    """Return the name of a stage's study."""
    return f"{study}.{stage}"


def confirm_study(search: str) -> str:
    """Return the name of the study that confirms what a learning-rate range search suggests."""
    return f"{search}.confirm"
