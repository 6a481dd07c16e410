"""Decodes a rectangle of a JPEG, in C: built where there are a compiler and libjpeg-turbo."""

def decode_region(data: bytes, size: tuple[int, int], region: tuple[int, int, int, int], /) -> bytes:
    """The RGB pixels of a rectangle of a JPEG, row by row, the very same that decoding all of it gives.

    `size` is the frame's, width and height, as the caller read it from the header and found it fit to be decoded;
    `region` is left, top, right, bottom. Both are pixels as stored, before any turn by an EXIF orientation. What is
    above the rectangle is only read past; what is below is not looked at, except that the image must have an end.
    Other threads run meanwhile.

    Raises IndexError where the region is empty or not inside the frame, ValueError where the data are truncated or
    damaged, and NotImplementedError where another decoder has to judge: the data are no JPEG, of another size, or of a
    kind that this does not decode (CMYK, 12 bits, arithmetic coding, chroma sampled other than 4:4:4, 4:2:2, 4:4:0 and
    4:2:0).
    """
