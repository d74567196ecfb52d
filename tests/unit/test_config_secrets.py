"""What is kept of a database URL."""

import pytest
from sqlalchemy.engine import make_url

from sweep.config import load_study_config
from sweep.config.secrets import recordable, without_password

WORD = "opensesame"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("postgresql+psycopg://ada:opensesame@h/db", "postgresql+psycopg://ada@h/db"),
        ("postgresql://ada:open%40sesame@h:5433/db?sslmode=require", "postgresql://ada@h:5433/db?sslmode=require"),
        ("postgresql://:opensesame@h/db", "postgresql://@h/db"),
        ("postgresql://ada:open@:/sesame@h/db", "postgresql://ada@h/db"),
        ("postgresql:///db?user=ada&password=opensesame&host=/run", "postgresql:///db?user=ada&host=/run"),
        ("postgresql:///db?password=opensesame", "postgresql:///db"),
        ("postgresql:///db?sslmode=require&sslpassword=opensesame", "postgresql:///db?sslmode=require"),
        ("postgresql://ada:${oc.env:OPENSESAME}@h/db", "postgresql://ada@h/db"),
    ],
)
def test_a_password_goes_and_all_else_stays(url, kept):
    assert without_password(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///results/sweep.db",
        "sqlite:////tmp/a:b@c?d&/x.db",
        "postgresql://ada@h:5433/db?application_name=a@b",
        "postgresql:///db?host=/run/postgresql&port=5433",
        "postgresql://[::1]:5433/db",
    ],
)
def test_a_url_without_one_is_kept_as_it_is(url):
    assert without_password(url) == url


def test_only_the_words_of_the_store_are_changed():
    mine = "task.source=https://ada:opensesame@h/data"
    words = ("task=x", mine, "store.url=postgresql://a:b@h/d", "++store.url=postgresql://a:b@h/d")
    assert recordable(words) == ("task=x", mine, "store.url=postgresql://a@h/d", "++store.url=postgresql://a@h/d")


@pytest.mark.parametrize("word", [WORD, "a,b(c)", "it's", "a{b}"])
def test_a_url_needs_no_quotes_and_its_password_is_kept_for_connecting_alone(word):
    given = f"store.url=postgresql+psycopg://ada:{word}@h/db?host=/run/postgresql&port=5433"
    loaded = load_study_config([given], command=(given,))
    assert make_url(loaded.study.store_url).password == word
    assert (loaded.study.raw["store"], *loaded.command) == (
        {"url": "postgresql+psycopg://ada@h/db?host=/run/postgresql&port=5433"},
        "store.url=postgresql+psycopg://ada@h/db?host=/run/postgresql&port=5433",
    )
