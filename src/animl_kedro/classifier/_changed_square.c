/* Makes of a rectangle of pixels a changed square for training: resized, turned, and with other colours.

   The arithmetic is Pillow's: fixed-point numbers for resampling and turning, single precision for colours. Pillow
   makes an image of each step, and resizes rows before columns or after them by the shape of an image, between which
   it rounds; here columns are always first, so that pixels differ from its by a level at most before the colours. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Compiled for processors with wider registers as well, where the compiler and the system can choose between them. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__)
#define FOR_WIDE_REGISTERS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_REGISTERS
#endif

enum {
    CHANNELS = 3,
    LONGEST_SIDE = 8192, /* with which positions in fixed-point numbers stay within 32 bits */
    /* Bits behind the point of a weight, and of a position. Source: Pillow, Resample.c and Geometry.c. */
    WEIGHT_BITS = 32 - 8 - 2,
    POSITION_BITS = 16,
};

/* What a pixel of the square is made of, along one axis: for each the first pixel of the source, how many there are,
   and the weights, of which there is room for `most`. */
struct taps {
    int *firsts, *counts;
    int32_t *weights;
    int most;
};

/* Where the pixels of the square come from: the position of the first, and the steps to the next one and the next row.
 */
struct turn {
    uint32_t x, y, across_x, across_y, down_x, down_y;
};

/* What a colour becomes: a matrix, row by row, and the mean grey of the square times `of_mean`. */
struct colours {
    float matrix[CHANNELS * CHANNELS];
    double luma[CHANNELS], of_mean;
};

/* What lies between the steps: rows as many as the square has; the same with rows and columns swapped; the square with
   them swapped; its three planes when it is turned; and sums that make a row. */
struct between {
    uint8_t *flat, *upended, *square, *planes;
    int32_t *sums;
};

static int in_range(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* Source: Pillow, Resample.c, precompute_coeffs and normalize_coeffs_8bpc, with its bilinear filter. */
static int find_taps(struct taps *taps, int source, int side)
{
    double scale = (double)source / side, reach = scale < 1 ? 1 : scale;
    taps->most = (int)ceil(reach) * 2 + 1;
    taps->firsts = malloc(sizeof *taps->firsts * side);
    taps->counts = malloc(sizeof *taps->counts * side);
    taps->weights = malloc(sizeof *taps->weights * side * taps->most);
    double *weights = malloc(sizeof *weights * taps->most);
    int found = taps->firsts && taps->counts && taps->weights && weights;
    for (int at = 0; found && at < side; at++) {
        double centre = (at + 0.5) * scale, sum = 0;
        int first = in_range((int)(centre - reach + 0.5), 0, source);
        int count = in_range((int)(centre + reach + 0.5), 0, source) - first;
        for (int i = 0; i < count; i++) {
            double distance = fabs((i + first - centre + 0.5) * (1 / reach));
            weights[i] = distance < 1 ? 1 - distance : 0;
            sum += weights[i];
        }
        for (int i = 0; i < count; i++)
            taps->weights[at * taps->most + i] = (int32_t)(0.5 + weights[i] / sum * (1 << WEIGHT_BITS));
        taps->firsts[at] = first;
        taps->counts[at] = count;
    }
    free(weights);
    return found;
}

static void free_taps(struct taps *taps)
{
    free(taps->firsts);
    free(taps->counts);
    free(taps->weights);
}

/* From rows of so many bytes to `side` such rows. Weights add up to 1, so that no sum needs to be cut off. */
FOR_WIDE_REGISTERS
static void resize(const uint8_t *rows, size_t length, const struct taps *taps, int side, int32_t *sums,
                   uint8_t *resized)
{
    for (int y = 0; y < side; y++, resized += length) {
        const int32_t *weights = taps->weights + (size_t)y * taps->most;
        const uint8_t *from = rows + taps->firsts[y] * length;
        for (size_t x = 0; x < length; x++)
            sums[x] = (1 << (WEIGHT_BITS - 1)) + from[x] * weights[0];
        for (int i = 1; i < taps->counts[y]; i++) {
            from += length;
            for (size_t x = 0; x < length; x++)
                sums[x] += from[x] * weights[i];
        }
        for (size_t x = 0; x < length; x++)
            resized[x] = (uint8_t)(sums[x] >> WEIGHT_BITS);
    }
}

/* Swap rows and columns of (side, width) pixels: columns can then be resized as rows are, many bytes at once. */
static void upend(const uint8_t *pixels, int width, int side, uint8_t *upended)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < width; x++, pixels += CHANNELS) {
            uint8_t *to = upended + ((size_t)x * side + y) * CHANNELS;
            to[0] = pixels[0];
            to[1] = pixels[1];
            to[2] = pixels[2];
        }
}

/* Turn a square with rows and columns swapped, into three planes; what comes from outside is black. Source: Pillow,
   Geometry.c, affine_fixed. */
static void turn_square(const uint8_t *square, int side, const struct turn *turn, uint8_t *planes)
{
    size_t plane = (size_t)side * side;
    uint32_t end = (uint32_t)side; /* positions before the first pixel are far behind the last one, without a sign */
    for (int row = 0; row < side; row++, planes += side) {
        uint32_t x = turn->x + row * turn->down_x, y = turn->y + row * turn->down_y;
        for (int column = 0; column < side; column++, x += turn->across_x, y += turn->across_y) {
            uint32_t from_x = x >> POSITION_BITS, from_y = y >> POSITION_BITS;
            int inside = from_x < end && from_y < end;
            const uint8_t *from = square + (inside ? ((size_t)from_x * end + from_y) * CHANNELS : 0);
            planes[column] = inside ? from[0] : 0;
            planes[plane + column] = inside ? from[1] : 0;
            planes[2 * plane + column] = inside ? from[2] : 0;
        }
    }
}

FOR_WIDE_REGISTERS
static double mean_of(const uint8_t *plane, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += plane[i];
    return (double)sum / (double)count;
}

/* Change the colours of three planes of so many pixels. Source: Pillow, Matrix.c. */
FOR_WIDE_REGISTERS
static void colour(uint8_t *planes, size_t count, const float *matrix, float added)
{
    for (size_t i = 0; i < count; i++) {
        float red = planes[i], green = planes[count + i], blue = planes[2 * count + i];
        for (int channel = 0; channel < CHANNELS; channel++) {
            const float *row = matrix + channel * CHANNELS;
            float value = row[0] * red + row[1] * green + row[2] * blue + added + 0.5F;
            value = value > 0 ? value : 0;
            planes[channel * count + i] = (uint8_t)(int32_t)(value < 255 ? value : 255);
        }
    }
}

static void interleave(const uint8_t *planes, size_t count, uint8_t *pixels)
{
    for (size_t i = 0; i < count; i++, pixels += CHANNELS) {
        pixels[0] = planes[i];
        pixels[1] = planes[count + i];
        pixels[2] = planes[2 * count + i];
    }
}

static void change(const uint8_t *pixels, int width, int side, const struct taps *across, const struct taps *down,
                   const struct turn *turn, const struct colours *colours, struct between *between, uint8_t *target)
{
    size_t count = (size_t)side * side;
    resize(pixels, (size_t)width * CHANNELS, down, side, between->sums, between->flat);
    upend(between->flat, width, side, between->upended);
    resize(between->upended, (size_t)side * CHANNELS, across, side, between->sums, between->square);
    turn_square(between->square, side, turn, between->planes);
    double grey = 0;
    for (int channel = 0; channel < CHANNELS; channel++)
        grey += colours->luma[channel] * mean_of(between->planes + channel * count, count);
    colour(between->planes, count, colours->matrix, (float)(colours->of_mean * grey));
    interleave(between->planes, count, target);
}

/* Whether memory sufficed. */
static int change_with_memory(const uint8_t *pixels, int width, int height, int side, const struct turn *turn,
                              const struct colours *colours, uint8_t *target)
{
    size_t length = (size_t)CHANNELS * side, longest = (size_t)CHANNELS * (width > side ? width : side);
    struct between between = {malloc(length * width), malloc(length * width), malloc(length * side),
                              malloc(length * side), malloc(longest * sizeof(int32_t))};
    struct taps across = {0}, down = {0};
    int fits = between.flat && between.upended && between.square && between.planes && between.sums &&
               find_taps(&across, width, side) && find_taps(&down, height, side);
    if (fits)
        change(pixels, width, side, &across, &down, turn, colours, &between, target);
    free_taps(&across);
    free_taps(&down);
    free(between.flat);
    free(between.upended);
    free(between.square);
    free(between.planes);
    free(between.sums);
    return fits;
}

static PyObject *change_into_bytes(const Py_buffer *pixels, int width, int height, int side, const struct turn *turn,
                                   const struct colours *colours)
{
    if (side < 1 || side > LONGEST_SIDE || width < 1 || height < 1 ||
        pixels->len / CHANNELS / width != height || pixels->len % ((Py_ssize_t)CHANNELS * width)) {
        PyErr_SetString(PyExc_ValueError, "the sizes are not those of the pixels, or too large");
        return NULL;
    }
    PyObject *square = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)side * side * CHANNELS);
    if (!square)
        return NULL;
    uint8_t *target = (uint8_t *)PyBytes_AsString(square);
    int fits;
    Py_BEGIN_ALLOW_THREADS
    fits = change_with_memory(pixels->buf, width, height, side, turn, colours, target);
    Py_END_ALLOW_THREADS
    if (fits)
        return square;
    Py_DECREF(square);
    return PyErr_NoMemory();
}

static PyObject *changed_square(PyObject *module, PyObject *arguments)
{
    (void)module;
    Py_buffer pixels;
    int width, height, side;
    struct turn turn;
    struct colours colours;
    float *m = colours.matrix;
    double *luma = colours.luma;
    if (!PyArg_ParseTuple(arguments, "y*(ii)i(IIIIII)(fffffffff)(ddd)d:changed_square", &pixels, &width, &height,
                          &side, &turn.x, &turn.y, &turn.across_x, &turn.across_y, &turn.down_x, &turn.down_y, m, m + 1,
                          m + 2, m + 3, m + 4, m + 5, m + 6, m + 7, m + 8, luma, luma + 1, luma + 2, &colours.of_mean))
        return NULL;
    PyObject *square = change_into_bytes(&pixels, width, height, side, &turn, &colours);
    PyBuffer_Release(&pixels);
    return square;
}

static PyMethodDef functions[] = {
    {"changed_square", changed_square, METH_VARARGS,
     "changed_square(pixels, size, side, turn, matrix, luma, of_mean, /)\n--\n\n"
     "A square of RGB pixels, row by row, made of a rectangle of them. Told of in the module's stub."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_changed_square",
    .m_doc = "Makes changed squares of crops.",
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__changed_square(void)
{
    return PyModuleDef_Init(&definition);
}
