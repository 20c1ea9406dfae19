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


def test_counts_in_a_sentence_are_grouped_as_its_reader_groups_them(app):
    longest = _("At most %(count)d characters, please.", count=10_000)
    many = ngettext("%(num)d customer", "%(num)d customers", 1_250_000)
    page = app.jinja_env.from_string(
        "{{ _('At most %(count)d characters.', count=4000) }} {{ ngettext('%(num)d row', '%(num)d rows', 999) }}"
    )
    with app.test_request_context(), in_language("vi"):
        assert str(longest) == "Nhập tối đa 10.000 ký tự."
        assert str(many) == "1.250.000 khách hàng"
        assert page.render() == "Tối đa 4.000 ký tự. 999 dòng"
    with app.test_request_context(), in_language("en"):
        assert str(longest) == "At most 10,000 characters, please."
        assert str(many) == "1,250,000 customers"
