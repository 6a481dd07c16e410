"""Makes changed squares of crops, in C: built where there is a compiler."""

def changed_square(
    pixels: bytes,
    size: tuple[int, int],
    side: int,
    turn: tuple[int, int, int, int, int, int],
    matrix: tuple[float, float, float, float, float, float, float, float, float],
    luma: tuple[float, float, float],
    of_mean: float,
    /,
) -> bytes:
    """A square of `side` RGB pixels, row by row, made of (width, height) = `size` pixels of that kind.

    They are resized with Pillow's bilinear filter. Then each pixel of the square comes from a position in it, x and y
    in 65,536ths of a pixel: `turn` is that of the first pixel, and the steps to the next pixel and to the next row;
    what comes from outside is black. Last, `matrix` tells row by row what red, green and blue count for in a colour,
    and to each is added the mean grey (0–255) of the turned square, by `luma`, times `of_mean`. Other threads run
    meanwhile.

    Raises ValueError where there are not so many pixels, or `side` is not in 1–8192.
    """
