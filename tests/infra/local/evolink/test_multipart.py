import pytest

from infra.local.evolink.files.multipart import Part, parse_form

_TYPE = 'multipart/form-data; boundary="edge"'


def test_the_bytes_of_a_file_come_through_unchanged() -> None:
    """Line ends, dashes and what looks like a boundary included."""
    content = b"\r\n--edg\r\n\n\r--\x00\xff--edge"
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + content + b"\r\n--edge--\r\n"
    )

    assert parse_form(_TYPE, body) == {"file": Part(file_name="a.png", content=content)}


def test_a_field_is_a_part_without_a_file_name() -> None:
    """An empty one, too."""
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="upload_path"\r\n\r\njobs/7\r\n'
        b"--edge\r\ncontent-disposition: form-data; name=file_name\r\n\r\n\r\n--edge--\r\n"
    )

    assert parse_form(_TYPE, body) == {
        "upload_path": Part(file_name=None, content=b"jobs/7"),
        "file_name": Part(file_name=None, content=b""),
    }


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        (_TYPE, b"--edge\r\nContent-Type: image/png\r\n\r\nnameless\r\n--edge--\r\n"),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    """Another type, no boundary, or a part without a name."""
    with pytest.raises(ValueError, match=r"multipart|name"):
        parse_form(content_type, body)
