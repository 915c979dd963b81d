// The kernels of BERT-large that are not matrix products, for NVRTC. Matrices are row-major; numbers
// are fp16 in memory and fp32 in registers. No header is needed: conversions are written in PTX.

typedef unsigned short half_bits;

static __device__ float widen(unsigned bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"((half_bits)bits));
    return value;
}

static __device__ unsigned narrow(float value) {
    half_bits bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

struct four {
    float v[4];
};

// Four neighbouring numbers, of which the first is a multiple of four.
static __device__ four load_four(const half_bits *from) {
    uint2 raw = *(const uint2 *)from;
    return {widen(raw.x & 0xffff), widen(raw.x >> 16), widen(raw.y & 0xffff), widen(raw.y >> 16)};
}

static __device__ void store_four(half_bits *to, four n) {
    uint2 raw = {narrow(n.v[0]) | narrow(n.v[1]) << 16, narrow(n.v[2]) | narrow(n.v[3]) << 16};
    *(uint2 *)to = raw;
}

static __device__ float sum_of_warp(float value) {
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

static __device__ float greatest_of_warp(float value) {
    for (int step = 16; step > 0; step /= 2)
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    return value;
}

// The sum over a block of 256 threads, known to all of them.
static __device__ float sum_of_block(float value) {
    __shared__ float parts[8];
    value = sum_of_warp(value);
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        parts[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < 8; i++)
        sum += parts[i];
    return sum;
}

// Normalises a row of 1024 numbers, four a thread.
static __device__ void normalize(four row, const half_bits *gamma, const half_bits *beta,
                                 half_bits *to) {
    const float epsilon = 1e-12f;
    float sum = 0, squares = 0;
    for (int i = 0; i < 4; i++)
        sum += row.v[i];
    float mean = sum_of_block(sum) / 1024;
    for (int i = 0; i < 4; i++)
        squares += (row.v[i] - mean) * (row.v[i] - mean);
    float scale = rsqrtf(sum_of_block(squares) / 1024 + epsilon);
    four g = load_four(gamma + 4 * threadIdx.x), b = load_four(beta + 4 * threadIdx.x);
    for (int i = 0; i < 4; i++)
        row.v[i] = (row.v[i] - mean) * scale * g.v[i] + b.v[i];
    store_four(to + 4 * threadIdx.x, row);
}

// Weights that anybody can compute again: offset + scale * u, with u in [-1, 1) from Chris Wellons'
// hash "lowbias32" of the place and the seed.
extern "C" __global__ void fill(half_bits *to, unsigned long long count, unsigned seed, float scale,
                                float offset) {
    unsigned long long step = (unsigned long long)gridDim.x * blockDim.x;
    for (unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x; i < count;
         i += step) {
        unsigned x = (unsigned)i + seed * 0x9e3779b9u;
        x = (x ^ x >> 16) * 0x7feb352du;
        x = (x ^ x >> 15) * 0x846ca68bu;
        x ^= x >> 16;
        to[i] = (half_bits)narrow(offset + scale * ((float)(x >> 8) / 8388608.0f - 1));
    }
}

// One block a token: word, place and type, normalised.
extern "C" __global__ void embed(const int *ids, const half_bits *words, const half_bits *places,
                                 const half_bits *types, const half_bits *gamma,
                                 const half_bits *beta, half_bits *to, int sequence, int vocabulary) {
    int token = blockIdx.x, at = 4 * threadIdx.x;
    unsigned id = min((unsigned)ids[token], (unsigned)vocabulary - 1);
    four word = load_four(words + (unsigned long long)id * 1024 + at);
    four place = load_four(places + token % sequence * 1024 + at), type = load_four(types + at);
    for (int i = 0; i < 4; i++)
        word.v[i] += place.v[i] + type.v[i];
    normalize(word, gamma, beta, to + (unsigned long long)token * 1024);
}

// One block a row.
extern "C" __global__ void add_bias(half_bits *rows, const half_bits *bias, int columns) {
    half_bits *row = rows + (unsigned long long)blockIdx.x * columns;
    for (int at = 4 * threadIdx.x; at < columns; at += 4 * blockDim.x) {
        four x = load_four(row + at), b = load_four(bias + at);
        for (int i = 0; i < 4; i++)
            x.v[i] += b.v[i];
        store_four(row + at, x);
    }
}

// gelu(x + bias) = x / 2 * (1 + erf(x / sqrt 2)); one block a row.
extern "C" __global__ void gelu(half_bits *rows, const half_bits *bias, int columns) {
    half_bits *row = rows + (unsigned long long)blockIdx.x * columns;
    for (int at = 4 * threadIdx.x; at < columns; at += 4 * blockDim.x) {
        four x = load_four(row + at), b = load_four(bias + at);
        for (int i = 0; i < 4; i++) {
            float y = x.v[i] + b.v[i];
            x.v[i] = 0.5f * y * (1 + erff(y * 0.70710678f));
        }
        store_four(row + at, x);
    }
}

// One warp a row of at most 512 scores: softmax(row * scale).
extern "C" __global__ void softmax(half_bits *rows, int columns, float scale) {
    const int most = 16;
    int lane = threadIdx.x % 32;
    half_bits *row =
        rows + ((unsigned long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32) * columns;
    float x[most], greatest = -1e30f, sum = 0;
#pragma unroll
    for (int i = 0; i < most; i++) {
        int at = lane + 32 * i;
        x[i] = at < columns ? widen(row[at]) * scale : -1e30f;
        greatest = fmaxf(greatest, x[i]);
    }
    greatest = greatest_of_warp(greatest);
#pragma unroll
    for (int i = 0; i < most; i++) {
        x[i] = lane + 32 * i < columns ? __expf(x[i] - greatest) : 0;
        sum += x[i];
    }
    sum = sum_of_warp(sum);
#pragma unroll
    for (int i = 0; i < most; i++) {
        int at = lane + 32 * i;
        if (at < columns)
            row[at] = (half_bits)narrow(x[i] / sum);
    }
}

// normalised(x + bias + residual); one block a row of 1024. `to` may be the residual.
extern "C" __global__ void add_norm(const half_bits *rows, const half_bits *bias,
                                    const half_bits *residual, const half_bits *gamma,
                                    const half_bits *beta, half_bits *to) {
    unsigned long long row = (unsigned long long)blockIdx.x * 1024;
    int at = 4 * threadIdx.x;
    four x = load_four(rows + row + at), b = load_four(bias + at), r = load_four(residual + row + at);
    for (int i = 0; i < 4; i++)
        x.v[i] += b.v[i] + r.v[i];
    normalize(x, gamma, beta, to + row);
}

// Start and end of an answer: two numbers a token. One warp a token.
extern "C" __global__ void head(const half_bits *rows, const half_bits *weights,
                                const half_bits *bias, float *logits, int tokens) {
    int token = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (token >= tokens)
        return;
    for (int which = 0; which < 2; which++) {
        float sum = 0;
        for (int at = 4 * lane; at < 1024; at += 128) {
            four x = load_four(rows + (unsigned long long)token * 1024 + at);
            four w = load_four(weights + which * 1024 + at);
            for (int i = 0; i < 4; i++)
                sum += x.v[i] * w.v[i];
        }
        sum = sum_of_warp(sum);
        if (lane == 0)
            logits[2 * token + which] = sum + widen(bias[which]);
    }
}
