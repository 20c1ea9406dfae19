from markupsafe import escape

from app.core.i18n import _, in_language, ngettext


def test_what_was_typed_into_a_sentence_is_escaped_in_a_page(app):
    with app.test_request_context():
        assert "<b>" not in escape(_("%(name)s is overdue", name="<b>Lan</b>"))
        assert "<b>" not in app.jinja_env.from_string("{{ text }}").render(text=ngettext("%(x)s", "%(x)s", 2, x="<b>"))


def test_a_sentence_speaks_the_language_of_the_moment(app):
    sentence = _("Please sign in first.")
    with app.test_request_context(), in_language("en"):
        assert str(sentence) == "Please sign in first."
