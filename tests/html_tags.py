"""What a browser would see of a page, for tests of the reports."""

from html.parser import HTMLParser


class Tags(HTMLParser):
    """Collects the tags and attributes of a page, and checks that they nest."""

    VOID = frozenset({"meta", "col", "br", "wbr", "img", "path", "rect", "circle", "polyline", "use", "link"})

    def __init__(self):
        super().__init__()
        self.names, self.attributes, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(page: str) -> Tags:
    """Return the tags of a well-formed page; AssertionError where they do not nest."""
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags
