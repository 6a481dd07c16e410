/* Decodes a rectangle of a JPEG, with libjpeg-turbo: what lies above it is only read past, what lies below is not read.

   The bytes come from outside, so that nothing of them is believed: sizes and bounds are checked, and where libjpeg
   goes on with a warning, filling with grey what it cannot read, this stops. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#ifndef LIBJPEG_TURBO_VERSION
#error "libjpeg-turbo is needed: other libjpegs cannot decode a part"
#endif

enum {
    CHANNELS = 3,
    /* Rows above the rectangle that are decoded with it: chroma is smoothed over its neighbours, and the first rows
       after a skip may lack them. A row of blocks of 4:2:0 makes the pixels the same as in a full decode. */
    ROWS_BEFORE = 16,
    /* How many equal bytes make a stretch of the file suspect. No sector of a disk or memory card is smaller. */
    SECTOR = 512,
    /* How far libjpeg may have read beyond the last pixel, and the length of a marker that may follow it. */
    READ_AHEAD = 16,
    RESTART = 2,
};

static const char TRUNCATED[] = "the image is truncated";
static const char LOST[] = "a part of the image is lost";

enum outcome { DECODED, UNSUPPORTED, DAMAGED };

/* A rectangle of pixels as they are stored, right and bottom excluded, in its frame. */
struct region {
    Py_ssize_t frame_width, frame_height;
    Py_ssize_t left, top, right, bottom;
};

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf stopped;
    enum outcome outcome;
    int scanning; /* The header is over: from here on a warning means damage. */
    char message[JMSG_LENGTH_MAX];
};

static void stop(struct decoder *decoder, enum outcome outcome, const char *message)
{
    decoder->outcome = outcome;
    if (message)
        snprintf(decoder->message, sizeof decoder->message, "%s", message);
    else
        decoder->errors.format_message((j_common_ptr)&decoder->jpeg, decoder->message);
    longjmp(decoder->stopped, 1);
}

static void on_error(j_common_ptr jpeg)
{
    stop(jpeg->client_data, UNSUPPORTED, NULL);
}

/* Warnings of the header are nothing to stop for, except that the data end: libjpeg would go on in a buffer of its own,
   and its position would no longer be one in the data. */
static void on_message(j_common_ptr jpeg, int level)
{
    struct decoder *decoder = jpeg->client_data;
    if (level >= 0)
        return;
    if (jpeg->err->msg_code == JWRN_JPEG_EOF)
        stop(decoder, DAMAGED, TRUNCATED);
    if (decoder->scanning)
        stop(decoder, DAMAGED, NULL);
}

static int is_supported(const struct jpeg_decompress_struct *jpeg)
{
    if (jpeg->data_precision != 8 || jpeg->arith_code)
        return 0;
    const jpeg_component_info *parts = jpeg->comp_info;
    if (jpeg->num_components == 1)
        return jpeg->jpeg_color_space == JCS_GRAYSCALE && parts[0].h_samp_factor == 1 && parts[0].v_samp_factor == 1;
    if (jpeg->num_components != 3 || (jpeg->jpeg_color_space != JCS_YCbCr && jpeg->jpeg_color_space != JCS_RGB))
        return 0;
    for (int i = 1; i < 3; i++)
        if (parts[i].h_samp_factor != 1 || parts[i].v_samp_factor != 1)
            return 0;
    return parts[0].h_samp_factor <= 2 && parts[0].v_samp_factor <= 2;
}

/* The marker that ends a stretch of coded pixels: its first byte, or NULL where the data end before. */
static const unsigned char *find_marker(const unsigned char *at, const unsigned char *end)
{
    while (at < end && (at = memchr(at, 0xFF, end - at)) && at + 1 < end) {
        if (at[1] == 0xFF)
            at++; /* a byte that fills */
        else if (at[1] == 0 || (at[1] >= 0xD0 && at[1] <= 0xD7))
            at += 2; /* a coded byte, or the start of a restart interval */
        else
            return at;
    }
    return NULL;
}

/* Whether the mark of an image's end comes after its coded pixels, as it does unless the file was cut off. */
static int has_end(const unsigned char *at, const unsigned char *end)
{
    while ((at = find_marker(at, end))) {
        if (at[1] == 0xD9)
            return 1;
        if (end - at < 4)
            return 0;
        size_t length = 2 + ((size_t)at[2] << 8 | at[3]);
        if (length > (size_t)(end - at))
            return 0;
        at += length;
    }
    return 0;
}

static int are_equal(const unsigned char *bytes, size_t count)
{
    return count < 2 || memcmp(bytes, bytes + 1, count - 1) == 0;
}

/* Where a stretch of one and the same byte starts among the coded pixels, or NULL: a faulty card leaves them, but even
   pictures have them as well. Each sector holds half a sector that starts at a multiple of half a sector. */
static const unsigned char *find_even_stretch(const unsigned char *at, const unsigned char *end)
{
    for (; end - at >= SECTOR / 2; at += SECTOR / 2)
        if (at[0] == at[SECTOR / 4] && are_equal(at, SECTOR / 2))
            return at;
    return NULL;
}

/* Whether zeros can be an even part of a picture, as they are if the shortest code says that a block is over. In the
   table that most cameras use for brightness, they stand for a pattern that no lens makes. */
static int can_be_zeros(const struct jpeg_decompress_struct *jpeg)
{
    for (int i = 0; i < jpeg->num_components; i++)
        if (jpeg->ac_huff_tbl_ptrs[jpeg->comp_info[i].ac_tbl_no]->huffval[0] != 0)
            return 0;
    return 1;
}

static void skip_rows(struct decoder *decoder, JDIMENSION count)
{
    if (count && jpeg_skip_scanlines(&decoder->jpeg, count) != count)
        stop(decoder, DAMAGED, "rows are missing");
}

static void read_row(struct decoder *decoder, JSAMPARRAY row)
{
    if (jpeg_read_scanlines(&decoder->jpeg, row, 1) != 1)
        stop(decoder, DAMAGED, "rows are missing");
}

/* Decode to the last row, where an even stretch is suspect: pixels were lost if the coded ones do not end where they
   should, and if there are zeros among them that no picture has. */
static void check_rest(struct decoder *decoder, JSAMPARRAY row, const unsigned char *stretch,
                       const unsigned char *scan_end)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    JDIMENSION left = jpeg->output_height - jpeg->output_scanline;
    if (left) {
        skip_rows(decoder, left - 1);
        read_row(decoder, row);
    }
    const unsigned char *at = jpeg->src->next_input_byte;
    if (at - stretch > READ_AHEAD && stretch[0] == 0 && !can_be_zeros(jpeg))
        stop(decoder, DAMAGED, LOST);
    if (scan_end - at > RESTART && !are_equal(at, scan_end - at))
        stop(decoder, DAMAGED, LOST);
}

static void read_region(struct decoder *decoder, const struct region *region, unsigned char *pixels, JSAMPARRAY row,
                        JDIMENSION row_left)
{
    JDIMENSION top = (JDIMENSION)region->top, first = top > ROWS_BEFORE ? top - ROWS_BEFORE : 0;
    skip_rows(decoder, first);
    for (; first < top; first++)
        read_row(decoder, row);
    size_t start = CHANNELS * (region->left - row_left), length = CHANNELS * (region->right - region->left);
    for (Py_ssize_t y = region->top; y < region->bottom; y++, pixels += length) {
        read_row(decoder, row);
        memcpy(pixels, row[0] + start, length);
    }
}

/* Let only the columns of the rectangle be decoded, and a row of blocks beside them, over which chroma is smoothed.
   Returns the column at which decoded rows start. */
static JDIMENSION narrow(struct jpeg_decompress_struct *jpeg, const struct region *region)
{
    Py_ssize_t margin = (Py_ssize_t)jpeg->max_h_samp_factor * DCTSIZE;
    Py_ssize_t left = region->left > margin ? region->left - margin : 0;
    Py_ssize_t right = region->right + margin, width_of_all = (Py_ssize_t)jpeg->output_width;
    if (right > width_of_all)
        right = width_of_all;
    if (left == 0 && right == width_of_all)
        return 0;
    JDIMENSION start = (JDIMENSION)left, width = (JDIMENSION)(right - left);
    jpeg_crop_scanline(jpeg, &start, &width);
    return start;
}

static void read_image(struct decoder *decoder, const Py_buffer *data, const struct region *region,
                       unsigned char *pixels)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    const unsigned char *end = (const unsigned char *)data->buf + data->len, *scan, *scan_end = NULL;
    jpeg_mem_src(jpeg, data->buf, (unsigned long)data->len);
    jpeg_read_header(jpeg, TRUE);
    if ((Py_ssize_t)jpeg->image_width != region->frame_width || (Py_ssize_t)jpeg->image_height != region->frame_height)
        stop(decoder, UNSUPPORTED, "the frame is of another size");
    if (!is_supported(jpeg))
        stop(decoder, UNSUPPORTED, "not a JPEG of 8 bits in grey or RGB, or with chroma sampled unusually");
    decoder->scanning = 1;
    scan = jpeg->src->next_input_byte;
    int one_scan = !jpeg_has_multiple_scans(jpeg); /* otherwise libjpeg reads all of them, to the end, at the start */
    if (one_scan && !has_end(scan, end))
        stop(decoder, DAMAGED, TRUNCATED);
    if (one_scan)
        scan_end = find_marker(scan, end);
    jpeg->out_color_space = JCS_RGB;
    jpeg_start_decompress(jpeg);
    JDIMENSION row_left = narrow(jpeg, region);
    JSAMPARRAY row = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * CHANNELS, 1);
    read_region(decoder, region, pixels, row, row_left);
    const unsigned char *stretch = one_scan ? find_even_stretch(scan, scan_end) : NULL;
    if (stretch)
        check_rest(decoder, row, stretch, scan_end);
}

/* All that libjpeg allocates is its own, and freed here however it ends. */
static void decode(struct decoder *decoder, const Py_buffer *data, const struct region *region, unsigned char *pixels)
{
    memset(decoder, 0, sizeof *decoder);
    decoder->jpeg.err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = on_error;
    decoder->errors.emit_message = on_message;
    decoder->jpeg.client_data = decoder;
    if (!setjmp(decoder->stopped)) {
        jpeg_create_decompress(&decoder->jpeg);
        read_image(decoder, data, region, pixels);
    }
    jpeg_destroy_decompress(&decoder->jpeg);
}

static PyObject *decode_into_bytes(const Py_buffer *data, const struct region *region)
{
    Py_ssize_t width = region->right - region->left, height = region->bottom - region->top;
    if (width > PY_SSIZE_T_MAX / CHANNELS / height)
        return PyErr_NoMemory();
    PyObject *pixels = PyBytes_FromStringAndSize(NULL, width * height * CHANNELS);
    if (!pixels)
        return NULL;
    unsigned char *target = (unsigned char *)PyBytes_AsString(pixels);
    struct decoder decoder;
    Py_BEGIN_ALLOW_THREADS
    decode(&decoder, data, region, target);
    Py_END_ALLOW_THREADS
    if (decoder.outcome == DECODED)
        return pixels;
    Py_DECREF(pixels);
    PyErr_SetString(decoder.outcome == DAMAGED ? PyExc_ValueError : PyExc_NotImplementedError, decoder.message);
    return NULL;
}

static int is_inside(const struct region *region)
{
    return 0 <= region->left && region->left < region->right && 0 <= region->top && region->top < region->bottom &&
           region->right <= region->frame_width && region->bottom <= region->frame_height;
}

static PyObject *decode_region(PyObject *module, PyObject *arguments)
{
    (void)module;
    Py_buffer data;
    struct region region;
    if (!PyArg_ParseTuple(arguments, "y*(nn)(nnnn):decode_region", &data, &region.frame_width, &region.frame_height,
                          &region.left, &region.top, &region.right, &region.bottom))
        return NULL;
    PyObject *pixels = NULL;
    if (!is_inside(&region))
        PyErr_SetString(PyExc_IndexError, "the region is empty or not inside the frame");
    else if (region.frame_width > JPEG_MAX_DIMENSION || region.frame_height > JPEG_MAX_DIMENSION ||
             (size_t)data.len > ULONG_MAX)
        PyErr_SetString(PyExc_NotImplementedError, "larger than libjpeg can take");
    else
        pixels = decode_into_bytes(&data, &region);
    PyBuffer_Release(&data);
    return pixels;
}

static PyMethodDef functions[] = {
    {"decode_region", decode_region, METH_VARARGS,
     "decode_region(data, size, region, /)\n--\n\n"
     "The RGB pixels of a rectangle of a JPEG, row by row, as they are stored. Told of in the module's stub."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_jpeg_region",
    .m_doc = "Decodes a rectangle of a JPEG.",
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__jpeg_region(void)
{
    return PyModuleDef_Init(&definition);
}
