"""What do customers complain of when a delivery is late, and what is done about it? The words of the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Complaint:
    """One late order from the first call to the call back. {order}: its number; {call}: how to speak to the caller."""

    happened: str
    for_operations: str
    status: str
    cause: str
    finding: str
    told: str
    words: str
    #: what colleagues write to each other meanwhile
    remark: str
    satisfied: bool = True
    #: told by a kitchen, a hotel, a school; by a person otherwise
    of_company: bool = False


APOLOGY = "Dạ em xin lỗi {call} vì đơn {order} đến trễ. Em kiểm tra với kho ngay và báo lại trong hai giờ ạ."

COMPLAINTS = (
    Complaint(
        happened="Đơn {order} hẹn giao chiều hôm qua mà đến giờ chưa thấy, nhà có khách nên rất lỡ việc.",
        for_operations="Kiểm tra giúp xe tuyến Láng, khách cần hàng trước buổi tối.",
        status="on_the_way",
        cause="Xe hỏng ở kho Gia Lâm",
        finding="Xe hỏng ở kho Gia Lâm, hàng đã chuyển sang xe khác và đang trên đường.",
        told="Báo {call} xe hỏng giữa đường, hàng đã sang xe khác, giao trong sáng mai.",
        words="Nhận đủ 2 thùng, hộp ngoài hơi móp nhưng gói phở còn nguyên. Mong lần sau giao đúng giờ hẹn.",
        remark="Đã giao tận tay, khách chưa kiểm hàng.",
    ),
    Complaint(
        happened="Khách đặt 24 gói phở bò khô từ đầu tuần, hẹn hai ngày mà nay đã bốn ngày chưa nhận.",
        for_operations="Khách ở trong ngõ nhỏ, nhờ shipper gọi trước 15 phút.",
        status="at_carrier",
        cause="Bưu cục phân nhầm tuyến",
        finding="Bưu cục phân nhầm sang tuyến Thanh Xuân, đã yêu cầu chuyển lại, mai phát đầu giờ.",
        told="Báo {call} bưu cục phân nhầm tuyến, sáng mai phát lại, có số điện thoại của người giao.",
        words="Hàng tới đủ, khách vui vì được gọi báo trước.",
        remark="Bưu cục hẹn phát trước 10 giờ, tôi theo dõi tiếp.",
    ),
    Complaint(
        happened="Đơn {order} báo đã giao thành công nhưng khách chưa nhận được gì.",
        for_operations="Xin ảnh giao hàng và tên người ký nhận.",
        status="delivered",
        cause="Giao nhầm cho quầy lễ tân tòa nhà bên cạnh",
        finding="Ảnh cho thấy hàng để ở lễ tân tòa B, khách ở tòa A. Người giao đã quay lại chuyển đúng chỗ.",
        told="Báo {call} hàng đang ở lễ tân tòa B, người giao sẽ mang sang trong một giờ.",
        words="Đã lấy được hàng, nhờ lần sau gọi trước khi để ở lễ tân.",
        remark="Có ảnh rồi, chữ ký là của bảo vệ tòa B.",
    ),
    Complaint(
        happened="Bếp cần hàng cho bữa sáng ngày mai, đơn {order} đáng lẽ phải tới từ trưa.",
        for_operations="Đơn 12 thùng, ưu tiên giao trong hôm nay, gọi bếp trưởng khi tới cổng sau.",
        status="at_warehouse",
        cause="Thiếu xe tải nhỏ",
        finding="Hàng đã soạn xong, còn chờ xe 1,25 tấn. Đã thuê xe ngoài, 19 giờ tới nơi.",
        told="Báo bếp trưởng xe ngoài chạy lúc 17:30, tới nơi khoảng 19 giờ.",
        words="Bếp nhận hàng lúc 19:10, kịp bữa sáng.",
        remark="Xe ngoài báo đã nhận hàng, biển số đã gửi cho khách.",
        of_company=True,
    ),
    Complaint(
        happened="Khách mua làm quà sinh nhật mẹ, hẹn giao trước 10 giờ mà quá trưa vẫn chưa có.",
        for_operations="Hộp quà có thiệp, nhờ kiểm tra còn thiệp trong hộp không.",
        status="on_the_way",
        cause="Kẹt đường vì mưa ngập",
        finding="Người giao kẹt ở Nguyễn Hữu Cảnh do ngập, còn ba điểm nữa là tới.",
        told="Xin lỗi {call}, báo người giao còn cách ba điểm và sẽ gọi khi tới đầu ngõ.",
        words="Mẹ khách nhận quà lúc tối, khách tiếc vì lỡ bữa cơm trưa.",
        remark="Đã nhắn người giao ưu tiên điểm này.",
        satisfied=False,
    ),
    Complaint(
        happened="Đơn {order} bị dời lịch giao ba lần, lần nào khách cũng xin nghỉ làm để ở nhà chờ.",
        for_operations="Khách rất bực, cần một giờ hẹn chắc chắn và người giao cố định.",
        status="at_carrier",
        cause="Đơn vị vận chuyển quá tải",
        finding="Kho Bình Chánh tồn hơn 400 đơn. Đã rút đơn ra giao bằng xe của công ty lúc 18 giờ.",
        told="Hẹn {call} đúng 18 giờ, xe công ty giao, không phải ở nhà chờ ban ngày nữa.",
        words="Giao đúng 18 giờ. Khách nói sẽ mua lại nếu giữ được giờ hẹn.",
        remark="Đã đổi sang xe nhà, anh Thưởng lái.",
    ),
    Complaint(
        happened="Khách nhận được một nửa đơn {order}, còn thiếu 6 hộp nước cốt, không ai gọi báo.",
        for_operations="Kiểm tra phiếu xuất, thiếu do kho soạn hay do tách kiện.",
        status="on_the_way",
        cause="Đơn tách hai kiện, kiện sau đi chuyến khác",
        finding="Đơn bị tách hai kiện vì quá khổ, kiện hai tới chiều mai.",
        told="Giải thích với {call} đơn tách hai kiện, kiện còn lại tới chiều mai, không thu thêm phí.",
        words="Đã nhận kiện hai, đủ số lượng.",
        remark="Kiện hai mã PS-2K, đang ở Đà Nẵng.",
    ),
    Complaint(
        happened="Đặt hàng cho bữa xế của cả đơn vị mà xe tới trễ 40 phút so với giờ ăn.",
        for_operations="Tuần nào cũng đặt thứ Tư và thứ Sáu, cần chốt lại giờ xuất kho.",
        status="delivered",
        cause="Xuất kho trễ do soạn nhầm lô",
        finding="Kho soạn nhầm lô cận hạn, đổi lại mất 35 phút nên xe đi muộn.",
        told="Báo {call} lý do trễ, từ tuần sau xuất kho sớm hơn một giờ.",
        words="Khách đồng ý giờ mới, nhờ giữ đúng.",
        remark="Đã sửa giờ xuất kho của tuyến này thành 12:30.",
        of_company=True,
    ),
    Complaint(
        happened="Tra mã đơn {order} ba ngày nay chỉ thấy “đã lấy hàng”, không thấy di chuyển.",
        for_operations="Nghi thất lạc, nhờ mở khiếu nại với đơn vị vận chuyển.",
        status="lost",
        cause="Thất lạc tại kho trung chuyển",
        finding="Đơn vị vận chuyển xác nhận thất lạc. Đã xuất kiện mới, đi hỏa tốc.",
        told="Xin lỗi {call}, kiện cũ thất lạc, công ty gửi kiện mới hỏa tốc và bù phiếu giảm.",
        words="Nhận kiện mới sau một ngày, hài lòng với cách xử lý.",
        remark="Biên bản thất lạc đã gửi cho kế toán đòi bồi hoàn.",
    ),
    Complaint(
        happened="Người giao gọi đúng một cuộc rồi hoàn hàng, khách đang họp nên không nghe kịp.",
        for_operations="Giữ hàng lại ở bưu cục, đừng hoàn về kho.",
        status="returned",
        cause="Phát một lần không gặp khách",
        finding="Hàng đang trên đường hoàn, đã chặn lại ở Hà Đông và hẹn phát lần hai.",
        told="Hẹn {call} phát lại sau 17 giờ, người giao sẽ nhắn Zalo trước.",
        words="Nhận được hàng, nhờ ghi chú luôn là nhắn Zalo trước khi gọi.",
        remark="Đã ghi chú trên đơn: nhắn Zalo trước.",
    ),
    Complaint(
        happened="Tiệc 80 khách tối nay mà nước cốt phở chưa tới, bếp không thể chờ thêm.",
        for_operations="Gấp. Nếu xe không kịp thì lấy hàng ở cửa hàng Cầu Giấy chạy qua.",
        status="at_warehouse",
        cause="Đặt sát giờ, kho hết xe",
        finding="Đã lấy hàng từ cửa hàng Cầu Giấy, xe máy chở hai chuyến, chuyến đầu đã tới.",
        told="Báo bếp chuyến đầu đã tới, chuyến hai sau 40 phút nữa.",
        words="Tiệc vẫn kịp nhưng bếp rất vất vả, mong có người trực riêng cho đơn tiệc.",
        remark="Chuyến hai vừa rời cửa hàng.",
        satisfied=False,
        of_company=True,
    ),
    Complaint(
        happened="Khách ở huyện đảo, tàu ra hai ngày một chuyến, đơn {order} lỡ chuyến sáng nay.",
        for_operations="Hỏi lại lịch tàu và chỗ giữ lạnh trên bến.",
        status="at_carrier",
        cause="Lỡ chuyến tàu vì biển động",
        finding="Cảng tạm dừng vì gió cấp 6, hàng giữ lạnh ở bến, đi chuyến sáng kia.",
        told="Báo {call} biển động, hàng được giữ lạnh, tàu chạy lại sẽ giao ngay.",
        words="Khách thông cảm vì thời tiết, cảm ơn đã báo sớm.",
        remark="Bến báo 6 giờ sáng kia tàu chạy lại.",
    ),
)

#: what a head writes when deciding on a large compensation
DECISIONS = {
    "approve": (
        "Đồng ý, lỗi do mình giao trễ nhiều lần.",
        "Duyệt. Nhắn khách phần bù chuyển trong ba ngày làm việc.",
        "Đồng ý mức này, ghi vào chi phí vận chuyển.",
    ),
    "reject": (
        "Chưa hợp lý, đổi thành phiếu giảm 200.000 ₫ cho đơn sau.",
        "Khách nhận hàng trong ngày, chỉ bù phí giao và tặng quà nhỏ.",
    ),
}

CANCELLED = (
    "Khách báo hàng vừa tới, không cần xử lý nữa.",
    "Trùng với hồ sơ mở trước đó của cùng đơn.",
    "Khách gọi nhầm, đơn của cửa hàng khác.",
    "Khách đổi ý, xin hủy đơn và nhận lại tiền.",
)
