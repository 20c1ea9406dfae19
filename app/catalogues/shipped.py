"""Which catalogues does every company begin with? Data: an admin changes the entries himself later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalogues.models import Colour

CHANNEL = "channel"
TOUCHPOINT = "touchpoint"
CALL_RESULT = "call-result"
PRODUCT = "product"
REASON = "reason"
HONORIFIC = "honorific"
CUSTOMER_TIER = "customer-tier"
BEHAVIOUR = "behaviour"
JOURNEY_STAGE = "journey-stage"
CONSENT_PURPOSE = "consent-purpose"


@dataclass(frozen=True)
class Shipped:
    """A catalogue as it comes: labels and purpose in Vietnamese and English, entries as (code, vi, en, colour)."""

    code: str
    label: tuple[str, str]
    purpose: tuple[str, str]
    entries: Sequence[tuple[str, str, str, Colour]]


CATALOGUES: Sequence[Shipped] = (
    Shipped(
        CHANNEL,
        ("Kênh", "Channels"),
        ("Khách hàng biết đến công ty qua đâu", "How customers come to know the company"),
        (
            ("phone", "Điện thoại", "Phone", Colour.teal),
            ("zalo", "Zalo", "Zalo", Colour.blue),
            ("facebook", "Facebook", "Facebook", Colour.blue),
            ("website", "Website", "Website", Colour.violet),
            ("shopee", "Shopee", "Shopee", Colour.orange),
            ("tiktok-shop", "TikTok Shop", "TikTok Shop", Colour.rose),
            ("referral", "Giới thiệu", "Referral", Colour.olive),
            ("store", "Cửa hàng", "Store", Colour.olive),
            ("fair", "Hội chợ", "Trade fair", Colour.orange),
            ("other", "Kênh khác", "Another channel", Colour.grey),
        ),
    ),
    Shipped(
        TOUCHPOINT,
        ("Điểm chạm", "Touchpoints"),
        ("Công ty gặp khách hàng ở bước nào của hành trình", "Where on their way customers meet the company"),
        (
            ("advice", "Tư vấn trước khi mua", "Advice before buying", Colour.blue),
            ("order", "Đặt hàng", "Order", Colour.teal),
            ("delivery", "Giao hàng", "Delivery", Colour.orange),
            ("after-sale", "Hỏi thăm sau mua", "Call after buying", Colour.olive),
            ("warranty", "Bảo hành, đổi trả", "Warranty and returns", Colour.violet),
            ("complaint", "Khiếu nại", "Complaint", Colour.rose),
        ),
    ),
    Shipped(
        CALL_RESULT,
        ("Kết quả cuộc gọi", "Results of calls"),
        ("Cuộc gọi đã kết thúc thế nào", "How a call ended"),
        (
            ("reached", "Đã nói chuyện", "Reached", Colour.teal),
            ("call-back", "Hẹn gọi lại", "Call back later", Colour.blue),
            ("no-answer", "Không nghe máy", "No answer", Colour.grey),
            ("busy", "Máy bận", "Busy", Colour.grey),
            ("wrong-number", "Sai số", "Wrong number", Colour.rose),
            ("refused", "Từ chối nói chuyện", "Did not want to talk", Colour.orange),
        ),
    ),
    Shipped(
        PRODUCT,
        ("Sản phẩm, dịch vụ", "Products and services"),
        (
            "Công ty bán gì, để biết khách hàng đang nói về gì",
            "What the company sells and customers speak of",
        ),
        (),
    ),
    Shipped(
        REASON,
        ("Lý do", "Reasons"),
        ("Vì sao khách hàng liên hệ hoặc phàn nàn", "Why customers get in touch or complain"),
        (
            ("late-delivery", "Giao hàng chậm", "Late delivery", Colour.orange),
            ("quality", "Chất lượng chưa tốt", "Poor quality", Colour.rose),
            ("wrong-goods", "Giao sai hàng", "Wrong goods", Colour.rose),
            ("attitude", "Thái độ phục vụ", "Attitude of staff", Colour.violet),
            ("price", "Giá cả, khuyến mãi", "Price and offers", Colour.blue),
            ("question", "Hỏi thông tin", "Question", Colour.teal),
            ("other", "Lý do khác", "Another reason", Colour.grey),
        ),
    ),
    Shipped(
        HONORIFIC,
        ("Xưng hô", "Forms of address"),
        ("Gọi khách hàng thế nào khi nói chuyện và trong thư", "How customers are spoken to, aloud and in letters"),
        (
            ("anh", "Anh", "Anh (older man)", Colour.blue),
            ("chi", "Chị", "Chị (older woman)", Colour.rose),
            ("co", "Cô", "Cô (woman of parents' age)", Colour.rose),
            ("chu", "Chú", "Chú (man of parents' age)", Colour.blue),
            ("bac", "Bác", "Bác (older than parents)", Colour.violet),
            ("em", "Em", "Em (younger)", Colour.teal),
            ("ong", "Ông", "Ông (elderly man)", Colour.olive),
            ("ba", "Bà", "Bà (elderly woman)", Colour.olive),
        ),
    ),
    Shipped(
        CUSTOMER_TIER,
        ("Nhóm giá trị", "Value tiers"),
        ("Khách hàng mang lại bao nhiêu giá trị", "How much a customer is worth to the company"),
        (
            ("vip", "VIP", "VIP", Colour.violet),
            ("medium", "Trung bình", "Medium", Colour.teal),
            ("small", "Nhỏ lẻ", "Small", Colour.grey),
        ),
    ),
    Shipped(
        BEHAVIOUR,
        ("Nhóm hành vi", "Behaviour groups"),
        ("Khách hàng mua và liên hệ đều đặn đến đâu", "How steadily customers buy and get in touch"),
        (
            ("regular", "Thường xuyên", "Regular", Colour.teal),
            ("potential", "Tiềm năng", "Potential", Colour.blue),
            ("returning", "Quay lại sau gián đoạn", "Back after a break", Colour.orange),
            ("loyal", "Trung thành", "Loyal", Colour.violet),
            ("dormant", "Lâu không mua", "Has not bought for long", Colour.grey),
        ),
    ),
    Shipped(
        JOURNEY_STAGE,
        ("Giai đoạn", "Stages of the journey"),
        ("Khách hàng đang ở đâu trên hành trình mua hàng", "Where on the way to buying and beyond customers are"),
        (
            ("new", "Mới", "New", Colour.blue),
            ("considering", "Đang cân nhắc", "Considering", Colour.orange),
            ("buying", "Đang mua", "Buying", Colour.teal),
            ("after-sale", "Sau mua", "After buying", Colour.olive),
            ("loyal", "Khách trung thành", "Loyal customer", Colour.violet),
            ("lost", "Đã rời đi", "Lost", Colour.grey),
        ),
    ),
    Shipped(
        CONSENT_PURPOSE,
        ("Mục đích liên hệ", "Purposes of contact"),
        ("Khách hàng đồng ý cho công ty liên hệ để làm gì", "What customers agree to be contacted for"),
        (
            ("care", "Chăm sóc sau mua", "Care after buying", Colour.teal),
            ("marketing", "Quảng cáo, khuyến mãi", "Advertising and offers", Colour.orange),
            ("survey", "Khảo sát ý kiến", "Surveys", Colour.blue),
            ("birthday", "Chúc mừng sinh nhật", "Birthday wishes", Colour.rose),
            ("sharing", "Chia sẻ dữ liệu với đối tác", "Sharing data with partners", Colour.grey),
        ),
    ),
)
