// The value of a node is never stored. One pass adds its edges, pools, normalises, runs the neurons over all time steps
// and packs their spikes. Float32 with the operation order of neuronas.snn.arithmetic, statistics in float64.

#include "lanes.h"

namespace {

enum Kind : int32_t { kDense = 0, kConvInt16 = 1, kConvFloat = 2, kBuffer = 3 };

struct Leaf {
    int32_t kind;
    int32_t constant;    // 1: equal at every time step (leading dimension 1)
    const void* data;    // [T or 1, B, planes, H, W, n]
    const float* scale;  // [T, padded channels] for convolutions
    const float* shift;
};

struct Term {
    int32_t buffer, index;  // 1 and the index of a buffer, or 0 and the index of a leaf
};

// Operation on a sum of terms. Windows preserve height and width; padding is 0 in a mean, ignored in a maximum.
enum StepOperation : int32_t { kAdd = 0, kMean = 1, kMaximum = 2 };

// Write the sum of terms, optionally pooled, to a buffer.
struct Step {
    int32_t operation, kernel;  // kernel: side of the windows, odd
    int32_t target, first_term, n_terms;
    int32_t constant;  // 1: equal at every time step, so computed only at the first
};

// The value of a node: all steps in order, then the sum of the last terms.
struct Program {
    const Leaf* leaves;
    const Term* terms;
    const Step* steps;
    int32_t n_steps, n_buffers, first_term, n_terms;
};

constexpr int kMaxTerms = 4;
bool is_known(const Leaf& leaf) { return leaf.kind >= kDense && leaf.kind <= kConvFloat; }

bool is_known(const Program& program) {
    const Term* end = program.terms + program.first_term + program.n_terms;  // the last terms are the program's own
    return std::all_of(program.steps, program.steps + program.n_steps,
                       [](const Step& step) { return step.operation >= kAdd && step.operation <= kMaximum; }) &&
           std::all_of(program.terms, end,
                       [&](const Term& term) { return term.buffer || is_known(program.leaves[term.index]); });
}

// A term at one time step, image and plane; data points to the first pixel.
struct Bound {
    int32_t kind;
    const void* data;
    const float *scale, *shift;
};

template <int kVectors>
inline Lanes value(const Bound& term, int64_t pixel, int vector, Lanes scale, Lanes shift) {
    const int64_t at = (pixel * kVectors + vector) * kLanes;
    if (term.kind == kConvInt16) return load(static_cast<const int16_t*>(term.data) + at) * scale + shift;
    const Lanes x = load(static_cast<const float*>(term.data) + at);
    return term.kind == kConvFloat ? x * scale + shift : x;
}

// Call use(pixel, vector, value) with the sum of N terms.
template <int N, int kVectors, typename Use>
inline void add_terms(const Bound* terms, int64_t first, int64_t last, Use&& use) {
    constexpr int64_t kPiece = 64;  // pixels: a few kilobytes, which fit the first-level cache
    for (int64_t start = first; start < last; start += kPiece)
        for (int v = 0; v < kVectors; ++v) {  // outer loop: scales and the state of `use` for v stay in registers
            Lanes scale[N + 1], shift[N + 1];
            for (int i = 0; i < N; ++i) {
                scale[i] = terms[i].scale ? load(terms[i].scale + v * kLanes) : all(1.0f);
                shift[i] = terms[i].shift ? load(terms[i].shift + v * kLanes) : all(0.0f);
            }
            for (int64_t pixel = start; pixel < std::min(start + kPiece, last); ++pixel) {
                Lanes x = N ? value<kVectors>(terms[0], pixel, v, scale[0], shift[0]) : all(0.0f);
                for (int i = 1; i < N; ++i) x = x + value<kVectors>(terms[i], pixel, v, scale[i], shift[i]);
                use(pixel, v, x);
            }
        }
}

template <int kVectors, typename Use>
inline void add_terms(const Bound* terms, int n_terms, int64_t first, int64_t last, Use&& use) {
    switch (n_terms) {
        case 0: return add_terms<0, kVectors>(terms, first, last, use);
        case 1: return add_terms<1, kVectors>(terms, first, last, use);
        case 2: return add_terms<2, kVectors>(terms, first, last, use);
        case 3: return add_terms<3, kVectors>(terms, first, last, use);
        default: return add_terms<4, kVectors>(terms, first, last, use);
    }
}

bool has_pool(const Program& program) {
    return std::any_of(program.steps, program.steps + program.n_steps,
                       [](const Step& step) { return step.operation != kAdd; });
}

int32_t largest_kernel(const Program& program) {
    int32_t largest = 1;
    for (int32_t i = 0; i < program.n_steps; ++i) largest = std::max(largest, program.steps[i].kernel);
    return largest;
}

// Number of rows evaluated at a time. Without pooling, rows are independent: few rows fit the first-level cache.
int64_t rows_at_a_time(const Program& program, const Shape& s) {
    return has_pool(program) ? s.height : std::max<int64_t>(1, 128 / s.width);
}

// Evaluates a program for some rows of a plane of an image, one time step after the other.
template <int kVectors>
class Evaluation {
   public:
    static constexpr int64_t kChannels = kVectors * kLanes;

    Evaluation(const Program& program, const Shape& s, std::vector<float>& memory, int64_t rows)
        : program_(program), shape_(s), length_(rows * s.width * kChannels), memory_(memory) {
        const int64_t line = s.width * kChannels, kernel = largest_kernel(program);
        const int64_t bordered = line + (kernel - 1) * kChannels;
        memory.resize(std::max<size_t>(memory.size(), (program.n_buffers + 1) * length_ + bordered + kernel * line));
        row_ = potentials() + length_;
        ring_ = row_ + bordered;
    }

    // Memory for the membrane potentials of the neurons.
    float* potentials() { return memory_.data() + program_.n_buffers * length_; }

    void start(int64_t b, int64_t plane, int64_t first_row, int64_t n_rows) {
        b_ = b, plane_ = plane, first_ = first_row * shape_.width, n_rows_ = n_rows;
    }

    // Run the steps needed for the node's value at a time step.
    void run_steps(int64_t t) {
        Bound terms[kMaxTerms];
        for (int32_t i = 0; i < program_.n_steps; ++i) {
            const Step& step = program_.steps[i];
            if (step.constant && t > 0) continue;  // still in its buffer, which is not reused
            bind(step.first_term, step.n_terms, t, terms);
            float* target = buffer(step.target);
            if (step.operation == kAdd)
                add_terms<kVectors>(terms, step.n_terms, 0, n_rows_ * shape_.width,
                                    [&](int64_t p, int v, Lanes x) { store(target + p * kChannels + v * kLanes, x); });
            else if (step.operation == kMean)
                step.kernel == 3 ? pool<3, true>(terms, step, target) : pool<0, true>(terms, step, target);
            else
                step.kernel == 3 ? pool<3, false>(terms, step, target) : pool<0, false>(terms, step, target);
        }
        bind(program_.first_term, program_.n_terms, t, result_);
    }

    // Call use(pixel, vector, value) for the node's value; pixels are counted from the first row.
    template <typename Use>
    void each(Use&& use) {
        add_terms<kVectors>(result_, program_.n_terms, 0, n_rows_ * shape_.width, use);
    }

   private:
    float* buffer(int64_t i) { return memory_.data() + i * length_; }

    void bind(int32_t first_term, int32_t n_terms, int64_t t, Bound* bound) {
        for (int32_t i = 0; i < n_terms; ++i) {
            const Term& term = program_.terms[first_term + i];
            if (term.buffer) {
                bound[i] = {kBuffer, buffer(term.index), nullptr, nullptr};
                continue;
            }
            const Leaf& leaf = program_.leaves[term.index];
            const int64_t at = shape_.offset(leaf.constant ? 0 : t, b_, plane_) + first_ * kChannels;
            const int64_t channel = t * shape_.padded() + plane_ * kPlane;
            const void* data = leaf.kind == kConvInt16
                                   ? static_cast<const void*>(static_cast<const int16_t*>(leaf.data) + at)
                                   : static_cast<const void*>(static_cast<const float*>(leaf.data) + at);
            bound[i] = {leaf.kind, data, leaf.scale ? leaf.scale + channel : nullptr,
                        leaf.shift ? leaf.shift + channel : nullptr};
        }
    }

    // Windows along each row first, then along columns; a mean is divided at the end. kKernel 0: that of the step.
    template <int kKernel, bool kIsMean>
    void pool(const Bound* terms, const Step& step, float* out) {
        const int64_t kernel = kKernel ? kKernel : step.kernel, half = kernel / 2;
        const int64_t width = shape_.width, line = width * kChannels, border = half * kChannels;
        const float area = static_cast<float>(kernel * kernel), outside = kIsMean ? 0.0f : -INFINITY;
        const Lanes n = all(area), nth = all(1.0f / area);
        auto combined = [](Lanes a, Lanes b) { return kIsMean ? a + b : larger(a, b); };
        auto ring = [&](int64_t h) { return ring_ + (h + kernel) % kernel * line; };  // last rows, windows applied
        float* row = row_ + border;
        std::fill(row - border, row, outside);
        std::fill(row + line, row + line + border, outside);
        std::fill(ring_, ring_ + kernel * line, outside);
        for (int64_t h = 0; h < n_rows_ + half; ++h) {  // row h, then finish row h - half
            if (h < n_rows_)
                add_terms<kVectors>(terms, step.n_terms, h * width, (h + 1) * width, [&](int64_t p, int v, Lanes x) {
                    store(row + (p - h * width) * kChannels + v * kLanes, x);
                });
            else
                std::fill(row, row + line, outside);
            float* to = out + (h - half) * line;
            for (int64_t i = 0; i < line; i += kLanes) {
                Lanes x = load(row + i - border);
                for (int64_t k = 1; k < kernel; ++k) x = combined(x, load(row + i - border + k * kChannels));
                store(ring(h) + i, x);
                if (h < half) continue;
                Lanes y = load(ring(h - 2 * half) + i);
                for (int64_t k = 1; k < kernel; ++k) y = combined(y, load(ring(h - 2 * half + k) + i));
                store(to + i, kIsMean ? divide(y, n, nth) : y);
            }
        }
    }

    const Program& program_;
    const Shape shape_;
    const int64_t length_;
    std::vector<float>& memory_;
    float *row_, *ring_;
    int64_t b_ = 0, plane_ = 0, first_ = 0, n_rows_ = 0;
    Bound result_[kMaxTerms];
};

// Call work.template run<vectors of a plane>(b, plane, thread) for all planes of all images.
template <typename Work>
void each_plane(const Shape& s, int threads, const Work& work) {
    parallel_for(s.batch * s.planes(), threads, [&](int64_t index, int thread) {
        const int64_t b = index / s.planes(), plane = index % s.planes();
        if (s.plane_channels(plane) == kPlane)
            work.template run<kPlane / kLanes>(b, plane, thread);
        else
            work.template run<kPadding / kLanes>(b, plane, thread);
    });
}

using Memory = std::vector<std::vector<float>>;  // one per thread

struct StatisticsPass {
    const Program& program;
    const Shape& s;
    Memory& memory;
    double* partial;  // [B, 2, T, padded channels]

    template <int kVectors>
    void run(int64_t b, int64_t plane, int thread) const {
        const int64_t rows = rows_at_a_time(program, s), length = s.timesteps * s.padded();
        Evaluation<kVectors> evaluation(program, s, memory[thread], rows);
        for (int64_t first = 0; first < s.height; first += rows) {
            const int64_t n = std::min(rows, s.height - first);
            evaluation.start(b, plane, first, n);
            for (int64_t t = 0; t < s.timesteps; ++t) {
                evaluation.run_steps(t);
                Totals totals[kVectors];
                evaluation.each([&](int64_t, int v, Lanes x) { totals[v].add(x); });
                double* sums = partial + b * 2 * length + t * s.padded() + plane * kPlane;
                for (int v = 0; v < kVectors; ++v)
                    totals[v].add_to(sums + v * kLanes, sums + length + v * kLanes);
            }
        }
    }
};

struct MaterialisePass {
    const Program& program;
    const Shape& s;
    Memory& memory;
    float* out;  // [T, B, planes, H, W, n]

    template <int kVectors>
    void run(int64_t b, int64_t plane, int thread) const {
        Evaluation<kVectors> evaluation(program, s, memory[thread], s.height);
        evaluation.start(b, plane, 0, s.height);
        for (int64_t t = 0; t < s.timesteps; ++t) {
            evaluation.run_steps(t);
            float* to = out + s.offset(t, b, plane);
            evaluation.each([&](int64_t p, int v, Lanes x) { store(to + (p * kVectors + v) * kLanes, x); });
        }
    }
};

struct Fire {
    float tau, threshold, reset;
    const float* scale;  // [T, padded channels], or null: batch normalisation before the neurons
    const float* shift;
    float* state;        // potentials, in the layout of one time step, updated; null: start at reset, not stored
    uint8_t* bits;       // spikes: [T, rows, row_bytes], see lanes.h; padding is zero
    int64_t rows, row_bytes;
};

struct FirePass {
    const Program& program;
    const Shape& s;
    const Fire& f;
    Memory& memory;

    template <int kVectors>
    void run(int64_t b, int64_t plane, int thread) const {
        if (plane == 0)
            for (int64_t t = 0; t < s.timesteps; ++t) {
                const int64_t used = s.padded() / 8 * s.pixels();
                std::memset(f.bits + (t * f.rows + b) * f.row_bytes + used, 0, f.row_bytes - used);
            }
        if (f.scale)
            fire<kVectors, true>(b, plane, thread);
        else
            fire<kVectors, false>(b, plane, thread);
    }

    template <int kVectors, bool kNormalised>
    void fire(int64_t b, int64_t plane, int thread) const {
        constexpr int64_t kChannels = kVectors * kLanes;
        const int64_t rows = rows_at_a_time(program, s), channel = plane * kPlane;
        const Lanes tau = all(f.tau), reciprocal = all(1.0f / f.tau), threshold = all(f.threshold), reset = all(f.reset);
        Bits real[kVectors];  // channels that are not padding
        for (int v = 0; v < kVectors; ++v) {
            const int64_t n = std::clamp<int64_t>(s.channels - channel - v * kLanes, 0, kLanes);
            real[v] = static_cast<Bits>((1u << n) - 1);
        }
        Evaluation<kVectors> evaluation(program, s, memory[thread], rows);
        for (int64_t first = 0; first < s.height; first += rows) {
            const int64_t n = std::min(rows, s.height - first), at = first * s.width * kChannels;
            evaluation.start(b, plane, first, n);
            float* potentials = f.state ? f.state + s.offset(0, b, plane) + at : evaluation.potentials();
            if (!f.state) std::fill(potentials, potentials + n * s.width * kChannels, f.reset);
            for (int64_t t = 0; t < s.timesteps; ++t) {
                evaluation.run_steps(t);
                Lanes scale[kVectors], shift[kVectors];
                for (int v = 0; v < kVectors && kNormalised; ++v) {
                    scale[v] = load(f.scale + t * s.padded() + channel + v * kLanes);
                    shift[v] = load(f.shift + t * s.padded() + channel + v * kLanes);
                }
                uint8_t* bits = f.bits + (t * f.rows + b) * f.row_bytes + (channel * s.pixels() + at) / 8;
                evaluation.each([&](int64_t p, int v, Lanes drive) {
                    if (kNormalised) drive = drive * scale[v] + shift[v];
                    float* potential = potentials + (p * kVectors + v) * kLanes;
                    const Lanes before = load(potential);
                    const Lanes h = before + divide(drive - (before - reset), tau, reciprocal);
                    const Mask fires = at_least(h, threshold);
                    store(potential, select(fires, reset, h));
                    store(bits + (p * kVectors + v) * sizeof(Bits), static_cast<Bits>(packed(fires) & real[v]));
                });
            }
        }
    }
};

struct ReducePass {
    const Leaf& leaf;
    const Shape& s;
    float* out;  // [T, B, planes, H / 2, W / 2, n]

    template <int kVectors>
    void run(int64_t b, int64_t plane, int) const {
        for (int64_t t = 0; t < s.timesteps; ++t) {
            const int64_t channel = t * s.padded() + plane * kPlane;
            const Shape small{s.timesteps, s.batch, s.height / 2, s.width / 2, s.channels};
            float* to = out + small.offset(t, b, plane);
            Bound term{leaf.kind, nullptr, nullptr, nullptr};
            if (leaf.kind == kConvInt16)
                term.data = static_cast<const int16_t*>(leaf.data) + s.offset(t, b, plane);
            else
                term.data = static_cast<const float*>(leaf.data) + s.offset(t, b, plane);
            const Lanes quarter = all(0.25f);
            for (int v = 0; v < kVectors; ++v) {
                const Lanes scale = load(leaf.scale + channel + v * kLanes);
                const Lanes shift = load(leaf.shift + channel + v * kLanes);
                for (int64_t h = 0; h < small.height; ++h)
                    for (int64_t w = 0; w < small.width; ++w) {
                        const int64_t top = 2 * h * s.width + 2 * w, bottom = top + s.width;
                        auto at = [&](int64_t pixel) { return value<kVectors>(term, pixel, v, scale, shift); };
                        const Lanes sum = (at(top) + at(top + 1)) + (at(bottom) + at(bottom + 1));
                        store(to + ((h * small.width + w) * kVectors + v) * kLanes, sum * quarter);
                    }
            }
        }
    }
};

}  // namespace

extern "C" {

// Sums and sums of squares of a program's value: [T, padded channels] each, added over images in order, so that the
// result does not depend on the number of threads. This and the following functions return kUnknown for unknown codes,
// and kNoMemory.
int32_t neuronas_statistics(const Program* program, const Shape* shape, double* sums, double* squares,
                            int32_t threads) {
    return answer([&] {
        if (!is_known(*program)) return kUnknown;
        const Shape s = *shape;
        const int64_t length = s.timesteps * s.padded();
        std::vector<double> partial(s.batch * 2 * length);
        Memory memory(std::max(1, threads));
        each_plane(s, threads, StatisticsPass{*program, s, memory, partial.data()});
        std::fill(sums, sums + length, 0.0);
        std::fill(squares, squares + length, 0.0);
        for (int64_t b = 0; b < s.batch; ++b)
            for (int64_t i = 0; i < length; ++i) {
                sums[i] += partial[b * 2 * length + i];
                squares[i] += partial[(b * 2 + 1) * length + i];
            }
        return 0;
    });
}

// The value of a program: float32 [T, B, planes, H, W, n].
int32_t neuronas_materialise(const Program* program, const Shape* shape, float* out, int32_t threads) {
    return answer([&] {
        if (!is_known(*program)) return kUnknown;
        Memory memory(std::max(1, threads));
        each_plane(*shape, threads, MaterialisePass{*program, *shape, memory, out});
        return 0;
    });
}

// LIF neurons on a program's value.
int32_t neuronas_fire(const Program* program, const Shape* shape, const Fire* fire, int32_t threads) {
    return answer([&] {
        if (!is_known(*program)) return kUnknown;
        Memory memory(std::max(1, threads));
        for (int64_t t = 0; t < shape->timesteps; ++t)
            std::memset(fire->bits + (t * fire->rows + shape->batch) * fire->row_bytes, 0,
                        (fire->rows - shape->batch) * fire->row_bytes);
        each_plane(*shape, threads, FirePass{*program, *shape, *fire, memory});
        return 0;
    });
}

// Normalise the sums of a convolution and average disjoint 2x2 blocks: float32 [T, B, planes, H / 2, W / 2, n].
int32_t neuronas_reduce(const Leaf* leaf, const Shape* shape, float* out, int32_t threads) {
    if (leaf->kind == kDense || !is_known(*leaf)) return kUnknown;
    each_plane(*shape, threads, ReducePass{*leaf, *shape, out});
    return 0;
}

}  // extern "C"
