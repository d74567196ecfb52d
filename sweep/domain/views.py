"""How the folders of a program are kept as they are while a trial runs it."""

from sweep.domain.enums import StrEnum


class ViewKind(StrEnum):
    """What a program has in place of its folders."""

    OVERLAY = "overlay"  # an overlay in a mount namespace: it runs at its own path
    COPY = "copy"  # a copy with links to large files: it runs there
    NONE = "none"  # nothing: it could not even be copied
