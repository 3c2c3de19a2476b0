// Element-wise loops of the engine: portable C, compiled for several CPU levels and picked at load time.
//
// All matrices are row-major floats; `rows`, `width`, `count` are numbers of elements, strides count floats.
// Callers (the Kernels and Codecs targets) check every size; nothing here keeps state or reports errors, and nothing
// allocates but what is called make.
// NaN and infinity go through: no loop hides one.
#ifndef CRUX_CKERNELS_H
#define CRUX_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

// --- Layer normalisation ------------------------------------------------------------------------------

/// sum = x + residual where `residual` is given (otherwise `sum` is unused and x is normalised as it is);
/// out = (sum - mean) * rstd * weight + bias. `bias`, `residual`, `sum` may be null. `sum` may be `x`.
void crux_layer_norm_forward(ptrdiff_t rows, ptrdiff_t width, const float *x, const float *residual, float *sum,
                             const float *weight, const float *bias, float epsilon, float *out, float *mean,
                             float *rstd);

/// dx += gradient of the input; dweight += …; dbias += …; out = the layer's output once more, which the caller
/// therefore need not keep. `bias` and `dbias` are null together.
void crux_layer_norm_backward(ptrdiff_t rows, ptrdiff_t width, const float *dout, const float *x,
                              const float *weight, const float *bias, const float *mean, const float *rstd, float *dx,
                              float *out, float *dweight, float *dbias);

// --- GELU (tanh form) and biases ----------------------------------------------------------------------

/// x += bias (may be null) in place; out = gelu(x). `out` may be `x` when x is not needed again.
void crux_bias_gelu_forward(ptrdiff_t rows, ptrdiff_t width, float *x, const float *bias, float *out);

/// gradient *= gelu'(x) in place; dbias += column sums of the result (may be null); out = gelu(x) once more.
void crux_gelu_backward(ptrdiff_t rows, ptrdiff_t width, const float *x, float *gradient, float *out, float *dbias);

/// x += bias in every row.
void crux_add_bias(ptrdiff_t rows, ptrdiff_t width, float *x, const float *bias);

/// out += column sums of x.
void crux_add_column_sums(ptrdiff_t rows, ptrdiff_t width, const float *x, float *out);

// --- Attention ----------------------------------------------------------------------------------------

/// Row r: the first `visible + r` scores become softmax(scale * score), the rest of `columns` zero;
/// log_sum_exp[r] = log of the sum of exp(scale * score). `stride` is the distance between rows.
void crux_causal_softmax(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t visible, ptrdiff_t stride, float scale,
                         float *scores, float *log_sum_exp);

/// The same probabilities from known log_sum_exp.
void crux_causal_probabilities(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t visible, ptrdiff_t stride, float scale,
                               float *scores, const float *log_sum_exp);

/// gradient = probabilities * (gradient - row_dots[r]) * scale: through the softmax to the raw scores.
void crux_softmax_backward(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale,
                           const float *probabilities, float *gradient, const float *row_dots);

/// out[r] = sum over the columns of a * b.
void crux_row_dots(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t a_stride, const float *a, ptrdiff_t b_stride,
                   const float *b, float *out);

/// Keys that lie side by side in a cache.
#define CRUX_KEY_BLOCK 32

/// One query against a cache, one head: keys in blocks of CRUX_KEY_BLOCK tokens, each [width, CRUX_KEY_BLOCK];
/// values [count, width]. out [width] = softmax(scale * query . keys) . values. `scores` is scratch; keys and scores
/// are touched up to the end of the last block.
void crux_cached_attention(ptrdiff_t count, ptrdiff_t width, float scale, const float *query, const float *keys,
                           const float *values, float *scores, float *out);

// --- Embedding ----------------------------------------------------------------------------------------

/// out[r] = tokens_table[tokens[r]] + positions_table[positions[r]].
void crux_embed(ptrdiff_t rows, ptrdiff_t width, const int32_t *tokens, const int32_t *positions,
                const float *token_table, const float *position_table, float *out);

/// token_table[tokens[r]] += gradient[r]; position_table[positions[r]] += gradient[r].
void crux_embed_backward(ptrdiff_t rows, ptrdiff_t width, const int32_t *tokens, const int32_t *positions,
                         const float *gradient, float *token_table, float *position_table);

// --- Softmax over the vocabulary ----------------------------------------------------------------------

/// out = log_softmax(x * inverse_temperature), row by row. `out` may be `x`.
void crux_log_softmax(ptrdiff_t rows, ptrdiff_t width, float inverse_temperature, const float *x, float *out);

/// Rows whose target is -1 get a zero gradient and a loss of zero; for the others losses[r] = -log softmax[target] and
/// gradient = scale * (softmax - onehot). `gradient` may be null (then only the losses) or `logits`.
void crux_cross_entropy(ptrdiff_t rows, ptrdiff_t width, const float *logits, const int32_t *targets, float scale,
                        float *losses, float *gradient);

// --- Products of matrices -------------------------------------------------------------------------------

/// The columns that lie side by side in a packed matrix.
#define CRUX_PANEL 16

/// packed = weight^T of weight [n, k] as panels of CRUX_PANEL columns, each [k, CRUX_PANEL]; the last one is filled with
/// zeros.
void crux_pack(ptrdiff_t n, ptrdiff_t k, const float *weight, ptrdiff_t stride, float *packed);

/// packed = matrix [k, n] as such panels.
void crux_pack_columns(ptrdiff_t k, ptrdiff_t n, const float *matrix, ptrdiff_t stride, float *packed);

/// out [m, n] = x [m, k] . packed [+ bias, may be null]. `panel_stride` is the distance between panels, CRUX_PANEL * k or
/// more. Each element is the same chain of operations whatever m and n are, so a row's result does not depend on the
/// rows beside it.
void crux_multiply_packed(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *x, ptrdiff_t x_stride,
                          const float *packed, ptrdiff_t panel_stride, const float *bias, float *out,
                          ptrdiff_t out_stride);

/// The rows and columns that crux_multiply_transposed takes at a time: what fits the first cache.
#define CRUX_STRIP_ROWS 128
#define CRUX_STRIP_COLUMNS 48

/// out [n, k] = or, with `adds`, += a^T . b of a [m, n] and b [m, k]. `scratch` holds CRUX_STRIP_ROWS (or m, where that is
/// less) times k rounded up to whole panels.
void crux_multiply_transposed(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_stride,
                              const float *b, ptrdiff_t b_stride, int32_t adds, float *out, ptrdiff_t out_stride,
                              float *scratch);

/// out [columns, rows] = in [rows, columns], transposed.
void crux_transpose(ptrdiff_t rows, ptrdiff_t columns, const float *in, float *out);

// --- Optimiser and reductions -------------------------------------------------------------------------

/// One AdamW step (decoupled weight decay), in PyTorch's order of operations; the correction factors are
/// 1 - beta^step.
void crux_adamw(ptrdiff_t count, float *parameters, const float *gradients, float *first, float *second,
                float learning_rate, float beta1, float beta2, float epsilon, float weight_decay,
                float gradient_scale, float correction1, float correction2);

/// into += from.
void crux_add(ptrdiff_t count, float *into, const float *from);

/// x *= factor.
void crux_scale(ptrdiff_t count, float *x, float factor);

/// The sum of squares, in double precision and a fixed order.
double crux_sum_of_squares(ptrdiff_t count, const float *x);

// --- Differences between checkpoints ------------------------------------------------------------------

/// Sums over pairs of elements; a pair with a NaN counts in `nan_pairs`, `base_nans`, `policy_nans` and `by_value`
/// alone.
typedef struct {
  double change_squares, base_squares, policy_squares, products, magnitudes, largest;
  int64_t as_bfloat16, beyond_absolute, beyond_relative, by_value, base_nans, policy_nans, nan_pairs;
} crux_difference_sums;

/// Adds the sums over `count` (below 2^31) pairs; `largest` becomes the largest |policy - base| met so far. Double
/// precision in a fixed order: the same bits on every CPU.
void crux_difference(ptrdiff_t count, const float *base, const float *policy, double absolute, double relative,
                     crux_difference_sums *sums);

/// Bin 0 holds distance 0, bin b distances from 2^(b-1) up to below 2^b.
#define CRUX_STEP_BINS 34

/// Adds each pair of little-endian floats without a NaN to the bin of its distance in steps of the type (ULP); fewer than
/// 2^32 pairs. Returns how many pairs have different bits.
ptrdiff_t crux_steps_f32(ptrdiff_t count, const void *base, const void *policy, int64_t *bins);
ptrdiff_t crux_steps_f16(ptrdiff_t count, const void *base, const void *policy, int64_t *bins);
ptrdiff_t crux_steps_bf16(ptrdiff_t count, const void *base, const void *policy, int64_t *bins);

/// out = the values of little-endian half-precision floats, exactly.
void crux_widen_bf16(ptrdiff_t count, const void *in, float *out);
void crux_widen_f16(ptrdiff_t count, const void *in, float *out);

// --- NaN and infinity ---------------------------------------------------------------------------------

/// Adds how many of `count` little-endian floats are NaN or infinite; `count` is below 2^31.
void crux_non_finite_f16(ptrdiff_t count, const void *bytes, int64_t *nans, int64_t *infinities);
void crux_non_finite_bf16(ptrdiff_t count, const void *bytes, int64_t *nans, int64_t *infinities);
void crux_non_finite_f32(ptrdiff_t count, const void *bytes, int64_t *nans, int64_t *infinities);
void crux_non_finite_f64(ptrdiff_t count, const void *bytes, int64_t *nans, int64_t *infinities);

// --- Spectra ------------------------------------------------------------------------------------------

/// gram [columns, columns] = x^T x of x [rows, columns], in double precision.
void crux_gram(ptrdiff_t rows, ptrdiff_t columns, const float *x, double *gram);

/// Eigenvalues (in no order) of the symmetric a [n, n], whose content is lost; the rows of `vectors` [n, n] (may be
/// null) become the eigenvectors. `scratch` holds 2n. Householder tridiagonalisation and implicit QL (EISPACK's tred2
/// and tql2). 0 where it does not converge.
int32_t crux_symmetric_eigen(ptrdiff_t n, double *a, double *values, double *vectors, double *scratch);

// --- XXH3-128, seed 0 ---------------------------------------------------------------------------------

/// A hash of 128 bits.
typedef struct {
  uint64_t high, low;
} crux_hash128;

/// The hash of `count` bytes.
crux_hash128 crux_hash128_of(size_t count, const void *bytes);

/// The state of a hash of bytes that arrive in pieces; null where there is no memory.
void *crux_hash128_make(void);
void crux_hash128_free(void *state);
/// Adds `count` bytes.
void crux_hash128_update(void *state, size_t count, const void *bytes);
/// The hash of all bytes so far.
crux_hash128 crux_hash128_value(const void *state);

// --- Byte planes of a checkpoint's words ---------------------------------------------------------------

/// planes = all lowest bytes of `count` little-endian words of `width` (2, 4, 8) bytes, then the next, up to the highest;
/// each word rotated left by one bit first where `is_rotated`.
void crux_split_planes(ptrdiff_t count, int32_t width, int32_t is_rotated, const void *words, void *planes);

/// Undoes crux_split_planes.
void crux_join_planes(ptrdiff_t count, int32_t width, int32_t is_rotated, const void *planes, void *words);

/// The planes of the words' differences from the base's words (width 1, 2, 4 or 8), zigzag-coded.
void crux_split_differences(ptrdiff_t count, int32_t width, const void *words, const void *base, void *planes);

/// Undoes crux_split_differences in place: `words` holds the base's words at first.
void crux_join_differences(ptrdiff_t count, int32_t width, const void *planes, void *words);

/// A bit for each of `count` words (width 1, 2, 4 or 8), 1 where it is not the base's, the first lowest; then the planes of
/// the zigzag-coded differences of these words alone. Returns the size, at most (count + 7) / 8 + width · count.
ptrdiff_t crux_encode_sparse(ptrdiff_t count, int32_t width, const void *words, const void *base, void *out);

/// Undoes crux_encode_sparse in place: `words` holds the base's words at first. `changed` is the number of bits that are
/// set in the first `count`. Returns 0, or 1 where a code is zero; the words are of no use then.
int32_t crux_decode_sparse(ptrdiff_t count, int32_t width, ptrdiff_t changed, const void *bytes, void *words);

/// Bits a byte that a code of single bytes needs at least: 0 where all are equal, at most 8. Up to 2^32 bytes.
double crux_byte_entropy(ptrdiff_t count, const void *bytes);

// --- zstd frames of literals alone ---------------------------------------------------------------------

/// The scratch memory of crux_code_literals, for one thread at a time; null where there is none left.
void *crux_literals_make(void);
void crux_literals_free(void *scratch);

/// A zstd frame (RFC 8878) of `count` bytes, less than 2^32: the first `raw_count` in raw blocks, the rest in blocks of
/// Huffman codes. Returns its size, or -1 where the capacity is less than the worst case, `count` and an 8192nd and 64
/// more, or a block has bytes above 128, whose tree needs more than this knows.
ptrdiff_t crux_code_literals(size_t count, size_t raw_count, const void *bytes, void *out, size_t capacity,
                             void *scratch);

// --- What the machine can do ---------------------------------------------------------------------------

/// 12 chains of `rounds` multiply-adds in vectors of 16 lanes (wide) or 8, in registers; returns their sum, so that
/// nothing is left out.
double crux_multiply_adds(ptrdiff_t rounds, int32_t uses_wide_vectors, float factor);

// --- Threads ------------------------------------------------------------------------------------------

/// Sets the calling thread's OpenMP thread count to 1, where an OpenMP runtime is loaded; cheap to repeat.
void crux_use_one_openmp_thread(void);

/// Tells the CPU that this is a spin loop.
void crux_spin_hint(void);

#if defined(__cplusplus)
}
#endif
#endif
