// Compares methods of convolving spikes with 8-bit weights on one core: 3x3, an image of 32x32, C -> C channels.
// Compiled and run by convolution_variants.py. CPU time, best of several repetitions; all methods give the same sums.
//
//     maddubs   dense: vpmaddubsw, two spikes and two weights per int16 lane, widened before 128 additions (AVX2)
//     lookup    dense: vpshufb looks up the sum of four weights by four spikes, low and high byte separately (AVX2)
//     avxvnni   dense: vpdpbusd with 256 bits, four spikes and four weights per int32 lane
//     vnni      dense: vpdpbusd with 512 bits
//     events    each spike adds a row of int16 weights to the sums of the pixels around it (AVX2 and AVX-512); the
//               lists of spikes are prepared beforehand

#include <immintrin.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

namespace {

constexpr int kSide = 32, kPixels = kSide * kSide;
constexpr int kWide = kSide + 2 + 16;  // a padded row, and 16 pixels for vector reads beyond its end

struct Problem {
    int c;
    std::vector<uint8_t> spikes;    // [pixel, channel]
    std::vector<int8_t> weights;    // [tap, channel, output]
    std::vector<int32_t> expected;  // [pixel, output]
};

Problem make(int c, double share) {
    Problem p{c, std::vector<uint8_t>(kPixels * c), std::vector<int8_t>(9 * c * c), std::vector<int32_t>(kPixels * c)};
    std::mt19937 random(0);
    std::normal_distribution<float> normal(0, 30);
    for (auto& s : p.spikes) s = random() < share * 4294967296.0;
    for (auto& w : p.weights) w = static_cast<int8_t>(std::clamp(normal(random), -127.0f, 127.0f));
    for (int pixel = 0; pixel < kPixels; ++pixel)
        for (int tap = 0; tap < 9; ++tap) {
            const int y = pixel / kSide + tap / 3 - 1, x = pixel % kSide + tap % 3 - 1;
            if (y < 0 || y >= kSide || x < 0 || x >= kSide) continue;
            for (int i = 0; i < c; ++i)
                if (p.spikes[(y * kSide + x) * c + i])
                    for (int o = 0; o < c; ++o) p.expected[pixel * c + o] += p.weights[(tap * c + i) * c + o];
        }
    return p;
}

std::vector<uint8_t> padded(const Problem& p) {  // [H + 2, kWide, channel]
    std::vector<uint8_t> to((kSide + 2) * kWide * p.c + 4096);
    for (int pixel = 0; pixel < kPixels; ++pixel)
        std::memcpy(&to[((pixel / kSide + 1) * kWide + pixel % kSide + 1) * p.c], &p.spikes[pixel * p.c], p.c);
    return to;
}

std::vector<int8_t> in_fours(const Problem& p, int lanes) {  // [output / lanes, tap, channel / 4, lanes, 4]
    std::vector<int8_t> to(9 * p.c * p.c);
    for (int tap = 0; tap < 9; ++tap)
        for (int i = 0; i < p.c; ++i)
            for (int o = 0; o < p.c; ++o)
                to[(((o / lanes * 9 + tap) * (p.c / 4) + i / 4) * lanes + o % lanes) * 4 + i % 4] =
                    p.weights[(tap * p.c + i) * p.c + o];
    return to;
}

inline int32_t four(const uint8_t* from) {
    int32_t spikes;
    std::memcpy(&spikes, from, 4);
    return spikes;
}

__attribute__((target("avx2"))) void maddubs(const Problem& p, const uint8_t* s, const int8_t* w, int32_t* out) {
    const int c = p.c;
    const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
    for (int o = 0; o < c; o += 16)
        for (int pixel = 0; pixel < kPixels; pixel += 4) {
            __m256i wide[2][4], narrow[2][4];
            for (int v = 0; v < 2; ++v)
                for (int q = 0; q < 4; ++q) wide[v][q] = narrow[v][q] = zero;
            const int8_t *w0 = w + o / 8 * 9 * c * 8, *w1 = w0 + 9 * c * 8;
            int n = 0;
            for (int tap = 0; tap < 9; ++tap) {
                const uint8_t* a = s + ((pixel / kSide + tap / 3) * kWide + pixel % kSide + tap % 3) * c;
                for (int i = 0; i < c; i += 4, w0 += 32, w1 += 32) {
                    const __m256i v0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w0));
                    const __m256i v1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w1));
#pragma GCC unroll 4
                    for (int q = 0; q < 4; ++q) {
                        const __m256i spikes = _mm256_set1_epi32(four(a + q * c + i));
                        narrow[0][q] = _mm256_add_epi16(narrow[0][q], _mm256_maddubs_epi16(spikes, v0));
                        narrow[1][q] = _mm256_add_epi16(narrow[1][q], _mm256_maddubs_epi16(spikes, v1));
                    }
                }
                n += c / 4;
                if (n + c / 4 <= 128 && tap < 8) continue;
                n = 0;
                for (int v = 0; v < 2; ++v)
                    for (int q = 0; q < 4; ++q) {
                        wide[v][q] = _mm256_add_epi32(wide[v][q], _mm256_madd_epi16(narrow[v][q], ones));
                        narrow[v][q] = zero;
                    }
            }
            for (int v = 0; v < 2; ++v)
                for (int q = 0; q < 4; ++q)
                    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + (pixel + q) * c + o + 8 * v), wide[v][q]);
        }
}

// Index bytes [channel / 4, H + 2, kWide]: the spikes of four channels. Tables [output, tap, channel / 4, 2, 16]: the
// low and the high bytes of the sums of four weights.
struct Tables {
    std::vector<uint8_t> index, table;
};

Tables tables(const Problem& p) {
    const int groups = p.c / 4;
    Tables t{std::vector<uint8_t>(groups * (kSide + 2) * kWide + 64), std::vector<uint8_t>(p.c * 9 * groups * 32)};
    for (int pixel = 0; pixel < kPixels; ++pixel)
        for (int i = 0; i < p.c; ++i)
            t.index[(i / 4 * (kSide + 2) + pixel / kSide + 1) * kWide + pixel % kSide + 1] |=
                static_cast<uint8_t>(p.spikes[pixel * p.c + i] << i % 4);
    for (int o = 0; o < p.c; ++o)
        for (int tap = 0; tap < 9; ++tap)
            for (int i = 0; i < p.c; i += 4)
                for (int spikes = 0; spikes < 16; ++spikes) {
                    int sum = 0;
                    for (int bit = 0; bit < 4; ++bit)
                        if (spikes >> bit & 1) sum += p.weights[(tap * p.c + i + bit) * p.c + o];
                    uint8_t* at = &t.table[((o * 9 + tap) * groups + i / 4) * 32];
                    at[spikes] = static_cast<uint8_t>(sum), at[16 + spikes] = static_cast<uint8_t>(sum >> 8);
                }
    return t;
}

__attribute__((target("avx2"))) void lookup(const Problem& p, const Tables& t, int32_t* out) {
    const int groups = p.c / 4;
    for (int o = 0; o < p.c; ++o)
        for (int y = 0; y < kSide; ++y) {
            __m256i first = _mm256_setzero_si256(), second = first;  // sums of 32 pixels; they fit int16 here
            const uint8_t* table = &t.table[o * 9 * groups * 32];
            for (int tap = 0; tap < 9; ++tap)
                for (int k = 0; k < groups; ++k, table += 32) {
                    const uint8_t* from = &t.index[(k * (kSide + 2) + y + tap / 3) * kWide + tap % 3];
                    const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
                    const __m128i *low = reinterpret_cast<const __m128i*>(table), *high = low + 1;
                    const __m256i l = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(low)), index);
                    const __m256i h = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(high)), index);
                    first = _mm256_add_epi16(first, _mm256_unpacklo_epi8(l, h));
                    second = _mm256_add_epi16(second, _mm256_unpackhi_epi8(l, h));
                }
            int16_t sums[32];
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), _mm256_permute2x128_si256(first, second, 0x20));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 16), _mm256_permute2x128_si256(first, second, 0x31));
            for (int x = 0; x < kSide; ++x) out[(y * kSide + x) * p.c + o] = sums[x];
        }
}

#define DENSE(NAME, TARGET, VECTOR, LANES, PIXELS, ZERO, LOAD, SET, DOT, STORE)                                   \
    __attribute__((target(TARGET))) void NAME(const Problem& p, const uint8_t* s, const int8_t* w, int32_t* out) { \
        const int c = p.c;                                                                                        \
        for (int o = 0; o < c; o += LANES)                                                                        \
            for (int pixel = 0; pixel < kPixels; pixel += PIXELS) {                                               \
                VECTOR sums[PIXELS];                                                                              \
                for (auto& sum : sums) sum = ZERO();                                                              \
                const int8_t* from = w + o * 9 * c;                                                               \
                for (int tap = 0; tap < 9; ++tap) {                                                               \
                    const uint8_t* a = s + ((pixel / kSide + tap / 3) * kWide + pixel % kSide + tap % 3) * c;     \
                    for (int i = 0; i < c; i += 4, from += 4 * LANES) {                                           \
                        const VECTOR weights = LOAD(reinterpret_cast<const VECTOR*>(from));                       \
                        _Pragma("GCC unroll 16") for (int q = 0; q < PIXELS; ++q) sums[q] =                       \
                            DOT(sums[q], SET(four(a + q * c + i)), weights);                                      \
                    }                                                                                             \
                }                                                                                                 \
                for (int q = 0; q < PIXELS; ++q)                                                                  \
                    STORE(reinterpret_cast<VECTOR*>(out + (pixel + q) * c + o), sums[q]);                         \
            }                                                                                                     \
    }
DENSE(avxvnni, "avx2,avxvnni", __m256i, 8, 8, _mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32,
      _mm256_dpbusd_avx_epi32, _mm256_storeu_si256)
DENSE(vnni, "avx512f,avx512bw,avx512vnni", __m512i, 16, 16, _mm512_setzero_si512, _mm512_loadu_si512,
      _mm512_set1_epi32, _mm512_dpbusd_epi32, _mm512_storeu_si512)

struct Events {
    std::vector<uint32_t> list;  // byte offsets of rows of weights, by row, column and channel
    std::vector<int> start;      // [pixel + 1]
};

void read(const Problem& p, int block, Events& e) {
    e.list.clear();
    e.start.resize(kPixels + 1);
    for (int pixel = 0; pixel < kPixels; ++pixel) {
        e.start[pixel] = static_cast<int>(e.list.size());
        for (int i = 0; i < p.c; ++i)
            if (p.spikes[pixel * p.c + i]) e.list.push_back((pixel % kSide * p.c + i) * block * 2);
    }
    e.start[kPixels] = static_cast<int>(e.list.size());
}

std::vector<int16_t> rows(const Problem& p, int block) {  // [output / block, tap, channel, block]
    std::vector<int16_t> to(9 * p.c * p.c + 32);
    for (int tap = 0; tap < 9; ++tap)
        for (int i = 0; i < p.c; ++i)
            for (int o = 0; o < p.c; ++o)
                to[((o / block * 9 + tap) * p.c + i) * block + o % block] = p.weights[(tap * p.c + i) * p.c + o];
    return to;
}

#define EVENTS(NAME, TARGET, BYTES)                                                                               \
    typedef int16_t Vector_##NAME __attribute__((vector_size(BYTES), aligned(2)));                                \
    template <int kBlock>                                                                                         \
    __attribute__((target(TARGET))) void NAME(const Problem& p, const Events& e, const int16_t* w, int32_t* out) { \
        constexpr int kVectors = kBlock * 2 / BYTES;                                                              \
        static std::vector<int16_t> sums(kPixels* kBlock);                                                        \
        const int c = p.c;                                                                                        \
        for (int o = 0; o < c; o += kBlock) {                                                                     \
            std::fill(sums.begin(), sums.end(), 0);                                                               \
            for (int dy = 0; dy < 3; ++dy)                                                                        \
                for (int y = std::max(0, 1 - dy); y < std::min(kSide, kSide + 1 - dy); ++y)                       \
                    for (int x = 0; x < kSide; ++x) {                                                             \
                        const int* start = &e.start[(y + dy - 1) * kSide];                                        \
                        const uint32_t* from = &e.list[start[std::max(0, x - 1)]];                                \
                        const uint32_t* to = e.list.data() + start[std::min(kSide, x + 2)];                       \
                        const int16_t* row = w + ((o / kBlock * 9 + dy * 3) - (x - 1)) * c * kBlock;              \
                        const char* base = reinterpret_cast<const char*>(row);                                    \
                        Vector_##NAME* at =                                                                       \
                            reinterpret_cast<Vector_##NAME*>(sums.data() + (y * kSide + x) * kBlock);             \
                        Vector_##NAME some[kVectors];                                                             \
                        for (int v = 0; v < kVectors; ++v) some[v] = at[v];                                       \
                        asm("" : "+r"(base));                                                                     \
                        for (; from < to; ++from)                                                                 \
                            for (int v = 0; v < kVectors; ++v)                                                    \
                                some[v] += reinterpret_cast<const Vector_##NAME*>(base + *from)[v];               \
                        for (int v = 0; v < kVectors; ++v) at[v] = some[v];                                       \
                    }                                                                                             \
            for (int pixel = 0; pixel < kPixels; ++pixel)                                                         \
                for (int v = 0; v < kBlock; ++v) out[pixel * c + o + v] = sums[pixel * kBlock + v];               \
        }                                                                                                         \
    }
EVENTS(events_avx2, "avx2", 32)
EVENTS(events_avx512, "avx512f,avx512bw", 64)

double processor_seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <typename Run>
void time(const char* name, const char* feature, bool has, const Problem& p, double share, const Run& run) {
    if (!has) {
        std::fprintf(stderr, "%s: this processor has no %s\n", name, feature);
        return;
    }
    std::vector<int32_t> out(kPixels * p.c);
    run(out.data());
    if (out != p.expected) std::fprintf(stderr, "%s gives other sums\n", name), std::exit(1);
    double best = 1e9;
    for (int repetition = 0; repetition < 20; ++repetition) {
        const double started = processor_seconds();
        int n = 0;
        do run(out.data()), ++n;
        while (processor_seconds() - started < 0.02);
        best = std::min(best, (processor_seconds() - started) / n);
    }
    std::printf("{\"way\": \"%s\", \"channels\": %d, \"spikes\": %.2f, \"gmacs_per_s\": %.0f}\n", name, p.c, share,
                9.0 * kPixels * p.c * p.c / best / 1e9);
}

template <int kBlock>
void time_events(const Problem& p, double share) {
    const auto w = rows(p, kBlock);
    Events e;
    read(p, kBlock, e);
    time("events, AVX2", "AVX2", __builtin_cpu_supports("avx2"), p, share,
         [&](int32_t* out) { events_avx2<kBlock>(p, e, w.data(), out); });
    time("events, AVX-512", "AVX-512", __builtin_cpu_supports("avx512bw"), p, share,
         [&](int32_t* out) { events_avx512<kBlock>(p, e, w.data(), out); });
}

}  // namespace

int main() {
    for (const int c : {64, 128, 256})
        for (const double share : {0.05, 0.1, 0.25, 0.5}) {
            const Problem p = make(c, share);
            const auto s = padded(p);
            const auto eights = in_fours(p, 8), sixteens = in_fours(p, 16);
            const Tables t = tables(p);
            if (share == 0.1) {  // the time of dense methods does not depend on the spikes
                time("maddubs", "AVX2", __builtin_cpu_supports("avx2"), p, share,
                     [&](int32_t* out) { maddubs(p, s.data(), eights.data(), out); });
                time("lookup", "AVX2", __builtin_cpu_supports("avx2"), p, share,
                     [&](int32_t* out) { lookup(p, t, out); });
                time("avxvnni", "AVX-VNNI", HAS_AVXVNNI, p, share,
                     [&](int32_t* out) { avxvnni(p, s.data(), eights.data(), out); });
                time("vnni", "AVX-512 VNNI", __builtin_cpu_supports("avx512vnni"), p, share,
                     [&](int32_t* out) { vnni(p, s.data(), sixteens.data(), out); });
            }
            c == 64 ? time_events<64>(p, share) : c == 128 ? time_events<128>(p, share) : time_events<64>(p, share);
        }
}
