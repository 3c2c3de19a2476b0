#include "CKernels.h"
#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

// A zstd frame (RFC 8878) of raw blocks and of compressed blocks that consist of literals alone: Huffman codes in four
// streams, and no sequences.

enum {
  BLOCK_BYTES = 1 << 16,
  RAW_BLOCK_BYTES = 1 << 17,
  FRAME_HEADER_BYTES = 9,
  BLOCK_HEADER_BYTES = 3,
  LITERALS_HEADER_BYTES = 5,
  JUMP_TABLE_BYTES = 6,
  // The longest code, and the last symbol whose tree can be stored without a code of its own (section 4.2.1).
  LONGEST = 11,
  LAST_DIRECT = 128,
  // Shorter blocks gain nothing.
  LEAST_BYTES = 64,
  // With more symbols, a table of pairs takes longer to fill than it saves.
  PAIRED_SYMBOLS = 64,
};

// A symbol's, or a pair's, code in the highest bits and its length in the lowest eight.
typedef uint64_t code;
#define CODE(value, length) ((uint64_t)(value) << (64 - (length)) | (uint64_t)(length))
#define LENGTH(code) ((code) & 0xFF)
#define BITS(code) ((code) & ~(uint64_t)0xFF)

typedef struct {
  // Both are indexed by a pair's little-endian word; only the symbols' rows and columns are ever touched.
  code pairs[1 << 16];
  // Zero between blocks.
  uint32_t counts[1 << 16];
  uint8_t streams[2 * BLOCK_BYTES];
} literals_scratch;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE_16(x) (x)
#else
#define LITTLE_16(x) __builtin_bswap16(x)
#endif

static inline void store_24(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 3; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static inline void store_block_header(uint8_t *to, int is_last, int type, size_t size) {
  store_24(to, (uint32_t)(is_last | type << 1 | (int)(size << 3)));
}

// Counts bytes from `least` to `greatest`. `pairs` is zero for all pairs, and is so again afterwards.
// A function of its own: as a part of its caller it was compiled to half the speed.
__attribute__((noinline)) static void count_bytes(size_t count, const uint8_t *bytes, int least, int greatest, uint32_t *pairs,
                             uint32_t counts[256]) {
  memset(counts, 0, 256 * sizeof *counts);
  size_t i = 0;
  if (greatest - least < PAIRED_SYMBOLS) {
    // Two at a time; and equal neighbours, which would wait for each other's sums, are rarer among pairs.
    for (; i + 8 <= count; i += 8) {
      uint64_t word;
      memcpy(&word, bytes + i, 8);
      pairs[(uint16_t)word]++;
      pairs[(uint16_t)(word >> 16)]++;
      pairs[(uint16_t)(word >> 32)]++;
      pairs[word >> 48]++;
    }
    for (int high = least; high <= greatest; high++) {
      uint32_t *row = pairs + (high << 8), sum = 0;
      for (int low = least; low <= greatest; low++) {
        sum += row[low];
        counts[low] += row[low];
        row[low] = 0;
      }
      counts[high] += sum;
    }
  } else {
    uint32_t tables[4][256];
    memset(tables, 0, sizeof tables);
    for (; i + 8 <= count; i += 8) {
      uint64_t word;
      memcpy(&word, bytes + i, 8);
      for (int lane = 0; lane < 8; lane++) tables[lane % 4][(uint8_t)(word >> (8 * lane))]++;
    }
    for (int symbol = 0; symbol < 256; symbol++) {
      counts[symbol] = tables[0][symbol] + tables[1][symbol] + tables[2][symbol] + tables[3][symbol];
    }
  }
  for (; i < count; i++) counts[bytes[i]]++;
}

// The lengths of a complete Huffman code of at most LONGEST bits for the `n` symbols, at least 2, given from the rarest
// on with their counts; returns the longest.
static int code_lengths(int n, const uint32_t *counts, uint8_t *lengths) {
  uint32_t weights[511];
  int16_t parents[511];
  uint8_t depths[511];
  memcpy(weights, counts, (size_t)n * sizeof *weights);
  int leaf = 0, inner = n, end = n;
  for (; end < 2 * n - 1; end++) {
    uint32_t sum = 0;
    for (int child = 0; child < 2; child++) {
      int smallest = leaf < n && (inner >= end || weights[leaf] <= weights[inner]) ? leaf++ : inner++;
      parents[smallest] = (int16_t)end;
      sum += weights[smallest];
    }
    weights[end] = sum;
  }
  depths[end - 1] = 0;
  for (int node = end - 2; node >= 0; node--) depths[node] = depths[parents[node]] + 1;

  // Kraft's sum, in units of the longest code, must be exactly all of them.
  int excess = -(1 << LONGEST);
  for (int i = 0; i < n; i++) {
    lengths[i] = depths[i] < LONGEST ? depths[i] : LONGEST;
    excess += 1 << (LONGEST - lengths[i]);
  }
  while (excess > 0) {
    int chosen = -1;
    for (int i = 0; i < n; i++) {
      if (lengths[i] < LONGEST && (chosen < 0 || lengths[i] > lengths[chosen])) chosen = i;
    }
    if (chosen < 0) return 0;
    lengths[chosen]++;
    excess -= 1 << (LONGEST - lengths[chosen]);
  }
  for (int i = n - 1; i >= 0 && excess < 0;) {
    int gain = 1 << (LONGEST - lengths[i]);
    if (lengths[i] > 1 && gain <= -excess) {
      lengths[i]--;
      excess += gain;
    } else {
      i--;
    }
  }
  if (excess != 0) return 0;
  int longest = 0;
  for (int i = 0; i < n; i++) longest = lengths[i] > longest ? lengths[i] : longest;
  return longest;
}

// The codes of all symbols and the tree's description; returns its size, or 0 where it cannot be stored like this.
static size_t make_codes(const uint32_t counts[256], code codes[256], uint8_t symbols[256], int *symbol_count,
                         uint8_t *description) {
  uint64_t order[256];
  int n = 0;
  for (int symbol = 0; symbol < 256; symbol++) {
    if (counts[symbol]) symbols[n++] = (uint8_t)symbol;
  }
  *symbol_count = n;
  if (n < 2 || symbols[n - 1] > LAST_DIRECT) return 0;
  int last = symbols[n - 1];
  for (int i = 0; i < n; i++) {
    uint64_t key = (uint64_t)counts[symbols[i]] << 8 | symbols[i];
    int j = i;
    for (; j > 0 && order[j - 1] > key; j--) order[j] = order[j - 1];
    order[j] = key;
  }
  uint32_t sorted[256];
  uint8_t sorted_lengths[256], lengths[256] = {0};
  for (int i = 0; i < n; i++) sorted[i] = (uint32_t)(order[i] >> 8);
  int longest = code_lengths(n, sorted, sorted_lengths);
  if (longest == 0) return 0;
  for (int i = 0; i < n; i++) lengths[(uint8_t)order[i]] = sorted_lengths[i];

  // From the longest codes on, in the order of the symbols.
  uint32_t next[LONGEST + 2] = {0}, value = 0;
  int of_length[LONGEST + 2] = {0};
  for (int i = 0; i < n; i++) of_length[lengths[symbols[i]]]++;
  for (int length = longest; length > 0; length--) {
    next[length] = value;
    value = (value + (uint32_t)of_length[length]) >> 1;
  }
  for (int i = 0; i < n; i++) {
    int length = lengths[symbols[i]];
    codes[symbols[i]] = CODE(next[length]++, length);
  }

  // The last symbol's weight follows from the others'.
  description[0] = (uint8_t)(127 + last);
  memset(description + 1, 0, (size_t)(last + 1) / 2);
  for (int symbol = 0; symbol < last; symbol++) {
    int weight = lengths[symbol] ? longest + 1 - lengths[symbol] : 0;
    description[1 + symbol / 2] |= (uint8_t)(symbol % 2 ? weight : weight << 4);
  }
  return 1 + (size_t)(last + 1) / 2;
}

typedef struct {
  uint8_t *to;
  // The last codes, the newest highest; below them is of no meaning.
  uint64_t bits;
  // How many of the bits wait to be written, in the lowest eight bits.
  uint64_t waiting;
} stream;

CRUX_INLINE void put(stream *s, code c) {
  // The length shifts out what is below it before that could matter: at most 56 bits wait.
  s->bits = s->bits >> (c & 63) | c;
  s->waiting += c;
}

// Writes whole bytes, and the rest once more with the next ones.
CRUX_INLINE void flush(stream *s) {
  uint64_t waiting = s->waiting & 0xFF, bits = s->bits >> ((64 - waiting) & 63);
  memcpy(s->to, &bits, 8);
  s->to += waiting >> 3;
  s->waiting = waiting & 7;
}

CRUX_INLINE void put_pair_before(stream *s, const uint8_t *p, const code *pairs) {
  uint16_t pair;
  memcpy(&pair, p - 2, 2);
  put(s, pairs[LITTLE_16(pair)]);
}

// Two parts of `count` bytes that are read from their ends, `rounds` times four bytes.
CRUX_INLINE void code_parts(size_t rounds, const uint8_t *a_end, const uint8_t *b_end, const code *codes,
                            const code *pairs, stream *a, stream *b) {
  stream s = *a, t = *b;
  ptrdiff_t position = 0;
  if (pairs) {
    for (size_t i = 0; i < rounds; i++, position -= 4) {
      put_pair_before(&s, a_end + position, pairs);
      put_pair_before(&t, b_end + position, pairs);
      put_pair_before(&s, a_end + position - 2, pairs);
      put_pair_before(&t, b_end + position - 2, pairs);
      flush(&s);
      flush(&t);
    }
  } else {
    for (size_t i = 0; i < rounds; i++, position -= 4) {
      for (int k = 1; k <= 4; k++) {
        put(&s, codes[a_end[position - k]]);
        put(&t, codes[b_end[position - k]]);
      }
      flush(&s);
      flush(&t);
    }
  }
  *a = s;
  *b = t;
}

// The four streams, `room` bytes apart, and their sizes. Codes are read from the end.
CRUX_INLINE void code_streams(size_t count, const uint8_t *bytes, const code codes[256], const code *pairs,
                              uint8_t *to, size_t room, size_t sizes[4]) {
  size_t part = (count + 3) / 4, last = count - 3 * part, rounds = last / 4;
  stream s[4];
  const uint8_t *ends[4];
  for (int k = 0; k < 4; k++) {
    s[k] = (stream){.to = to + (size_t)k * room};
    ends[k] = bytes + (k < 3 ? (size_t)(k + 1) * part : count);
    // What the first three parts have more than the last one, and what four does not divide.
    for (size_t rest = (k < 3 ? part : last) - 4 * rounds; rest > 0; rest--) {
      put(&s[k], codes[*--ends[k]]);
      flush(&s[k]);
    }
  }
  code_parts(rounds, ends[0], ends[1], codes, pairs, &s[0], &s[1]);
  code_parts(rounds, ends[2], ends[3], codes, pairs, &s[2], &s[3]);
  for (int k = 0; k < 4; k++) {
    put(&s[k], CODE(1, 1));
    flush(&s[k]);
    sizes[k] = (size_t)(s[k].to - (to + (size_t)k * room)) + (s[k].waiting > 0);
  }
}

// A raw block.
static size_t store_raw(size_t count, const uint8_t *bytes, int is_last, uint8_t *out) {
  store_block_header(out, is_last, 0, count);
  memcpy(out + BLOCK_HEADER_BYTES, bytes, count);
  return BLOCK_HEADER_BYTES + count;
}

// A block of up to BLOCK_BYTES; returns its size, or -1 where its symbols are none that can be coded here.
CRUX_INLINE ptrdiff_t code_block(size_t count, const uint8_t *bytes, int is_last, uint8_t *out, literals_scratch *scratch) {
  if (count < LEAST_BYTES) return (ptrdiff_t)store_raw(count, bytes, is_last, out);
  uint32_t counts[256];
  code codes[256];
  uint8_t symbols[256], description[1 + LAST_DIRECT / 2];
  int n;
  uint8_t least = 255, greatest = 0;
  for (size_t i = 0; i < count; i++) {
    least = bytes[i] < least ? bytes[i] : least;
    greatest = bytes[i] > greatest ? bytes[i] : greatest;
  }
  if (greatest > LAST_DIRECT) return -1;
  count_bytes(count, bytes, least, greatest, scratch->counts, counts);
  size_t tree = make_codes(counts, codes, symbols, &n, description);
  if (n == 1) {
    store_block_header(out, is_last, 1, count);
    out[BLOCK_HEADER_BYTES] = bytes[0];
    return BLOCK_HEADER_BYTES + 1;
  }
  uint64_t bits = 0;
  for (int i = 0; tree > 0 && i < n; i++) bits += (uint64_t)counts[symbols[i]] * LENGTH(codes[symbols[i]]);
  // The streams' last bytes, sizes and sequences are counted as full.
  size_t bound = LITERALS_HEADER_BYTES + tree + JUMP_TABLE_BYTES + (size_t)(bits / 8) + 8 + 1;
  if (tree == 0) return -1;
  if (bound >= count) return (ptrdiff_t)store_raw(count, bytes, is_last, out);

  code *pairs = 0;
  if (greatest - least < PAIRED_SYMBOLS && (size_t)(n * n) < count / 4) {
    pairs = scratch->pairs;
    for (int j = 0; j < n; j++) {
      code second = codes[symbols[j]];
      code *row = pairs + (symbols[j] << 8);
      for (int i = 0; i < n; i++) {
        code first = codes[symbols[i]];
        row[symbols[i]] = BITS(first) | BITS(second) >> LENGTH(first) | (LENGTH(first) + LENGTH(second));
      }
    }
  }
  uint8_t *streams = scratch->streams;
  size_t room = BLOCK_BYTES / 2, sizes[4], done = tree + JUMP_TABLE_BYTES;
  code_streams(count, bytes, codes, pairs, streams, room, sizes);
  uint8_t *content = out + BLOCK_HEADER_BYTES, *literals = content + LITERALS_HEADER_BYTES;
  memcpy(literals, description, tree);
  for (int k = 0; k < 4; k++) {
    if (k < 3) {
      literals[tree + 2 * (size_t)k] = (uint8_t)sizes[k];
      literals[tree + 2 * (size_t)k + 1] = (uint8_t)(sizes[k] >> 8);
    }
    memcpy(literals + done, streams + (size_t)k * room, sizes[k]);
    done += sizes[k];
  }
  // Type 2, four streams, both sizes of 18 bits.
  uint64_t header = 2 | 3 << 2 | (uint64_t)count << 4 | (uint64_t)done << 22;
  for (int i = 0; i < LITERALS_HEADER_BYTES; i++) content[i] = (uint8_t)(header >> (8 * i));
  literals[done] = 0;  // no sequences
  size_t size = LITERALS_HEADER_BYTES + done + 1;
  store_block_header(out, is_last, 2, size);
  return (ptrdiff_t)(BLOCK_HEADER_BYTES + size);
}

// Zero, and most of it never touched.
void *crux_literals_make(void) { return calloc(1, sizeof(literals_scratch)); }
void crux_literals_free(void *scratch) { free(scratch); }

CRUX_CLONES
ptrdiff_t crux_code_literals(size_t count, size_t raw_count, const void *bytes, void *out, size_t capacity,
                             void *scratch) {
  const uint8_t *from = bytes;
  uint8_t *to = out;
  // A block is at most a raw one.
  if (capacity < count + count / 8192 + 64) return -1;
  const uint8_t start[5] = {0x28, 0xB5, 0x2F, 0xFD, 0xA0};
  memcpy(to, start, sizeof start);
  for (int i = 0; i < 4; i++) to[5 + i] = (uint8_t)((uint64_t)count >> (8 * i));
  to += FRAME_HEADER_BYTES;
  for (size_t done = 0; done < raw_count;) {
    size_t size = raw_count - done < RAW_BLOCK_BYTES ? raw_count - done : RAW_BLOCK_BYTES;
    to += store_raw(size, from + done, done + size == count, to);
    done += size;
  }
  for (size_t done = raw_count; done < count;) {
    size_t size = count - done < BLOCK_BYTES ? count - done : BLOCK_BYTES;
    ptrdiff_t written = code_block(size, from + done, done + size == count, to, scratch);
    if (written < 0) return -1;
    to += written;
    done += size;
  }
  return to - (uint8_t *)out;
}
