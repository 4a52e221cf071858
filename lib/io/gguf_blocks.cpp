// Decoding one block of each quantised type of GGUF. The layouts follow the structures in ggml's
// ggml-common.h.
#include <bit>
#include <cassert>
#include <cstring>

#include "core/half.hpp"
#include "io/gguf_types.hpp"

namespace toptheta {

namespace {

constexpr std::size_t kSmall = 32;  // elements of a block in the types without super-blocks
constexpr std::size_t kSuper = 256;

unsigned byte_at(const std::byte* bytes, std::size_t i) {
  return std::to_integer<unsigned>(bytes[i]);
}

std::uint8_t code(unsigned value) {
  return static_cast<std::uint8_t>(value);
}

float half_at(const std::byte* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return float_from_f16(bits);
}

// 16 bytes: the low nibbles are elements 0 to 15, the high nibbles elements 16 to 31.
template <class Map>
void small_nibbles(const std::byte* nibbles, GgufBlock& block, const Map& map) {
  for (std::size_t i = 0; i < kSmall / 2; ++i) {
    block.codes[i] = map(byte_at(nibbles, i) & 15U);
    block.codes[i + kSmall / 2] = map(byte_at(nibbles, i) >> 4);
  }
}

// Nibbles plus a fifth bit each, the latter from a 32-bit word.
void small_five_bits(const std::byte* fifth, const std::byte* nibbles, GgufBlock& block) {
  std::uint32_t high = 0;
  std::memcpy(&high, fifth, sizeof high);
  small_nibbles(nibbles, block, code);
  for (std::size_t i = 0; i < kSmall; ++i)
    block.codes[i] = code(block.codes[i] | (high >> i & 1U) << 4);
}

void decode_q8_0(const std::byte* bytes, GgufBlock& block) {
  block.scales[0] = half_at(bytes);
  for (std::size_t i = 0; i < kSmall; ++i)
    block.codes[i] = code(byte_at(bytes, 2 + i) ^ 0x80U);  // signed byte + 128
}

// Layout: 16 bytes with a scale (low nibble) and a least value (high nibble) for each of 16 groups; the codes
// of 2 bits; f16 factors of the scales and of the least values.
void decode_q2_k(const std::byte* bytes, GgufBlock& block) {
  const std::byte* quarters = bytes + 16;
  const float d = half_at(bytes + 80);
  const float least = half_at(bytes + 82);
  for (std::size_t g = 0; g < 16; ++g) {
    block.scales[g] = d * static_cast<float>(byte_at(bytes, g) & 15U);
    block.least[g] = -(least * static_cast<float>(byte_at(bytes, g) >> 4));
  }
  for (std::size_t i = 0; i < kSuper; ++i)
    block.codes[i] = code(byte_at(quarters, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3U);
}

// Layout: the third bit of each code; the lower two bits; 16 scales of 6 bits; an f16 factor of the scales.
void decode_q3_k(const std::byte* bytes, GgufBlock& block) {
  const std::byte* third = bytes;
  const std::byte* quarters = bytes + 32;
  const std::byte* scales = bytes + 96;
  const float d = half_at(bytes + 108);
  for (std::size_t g = 0; g < 16; ++g) {
    const unsigned low = byte_at(scales, g % 8) >> (g / 8 * 4) & 15U;
    const unsigned high = byte_at(scales, 8 + g % 4) >> (g / 4 * 2) & 3U;
    block.scales[g] = d * static_cast<float>(static_cast<int>(low | high << 4) - 32);
  }
  for (std::size_t i = 0; i < kSuper; ++i) {
    const unsigned low = byte_at(quarters, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3U;
    const unsigned high = byte_at(third, i % 32) >> (i / 32) & 1U;
    block.codes[i] = code(low | high << 2);
  }
}

// Q4_K and Q5_K begin with an f16 factor of the scales, one of the least values, and 8 scales and 8 least
// values of 6 bits each packed into 12 bytes.
void super_scales(const std::byte* bytes, GgufBlock& block) {
  const float d = half_at(bytes);
  const float least = half_at(bytes + 2);
  const std::byte* packed = bytes + 4;
  for (std::size_t g = 0; g < 8; ++g) {
    unsigned scale = 0;
    unsigned below = 0;
    if (g < 4) {
      scale = byte_at(packed, g) & 63U;
      below = byte_at(packed, g + 4) & 63U;
    } else {
      scale = (byte_at(packed, g + 4) & 15U) | byte_at(packed, g - 4) >> 6 << 4;
      below = byte_at(packed, g + 4) >> 4 | byte_at(packed, g) >> 6 << 4;
    }
    block.scales[g] = d * static_cast<float>(scale);
    block.least[g] = -(least * static_cast<float>(below));
  }
}

// For each 64 elements there are 32 bytes: their low nibbles are the first 32 elements, their high nibbles
// the others.
void super_nibbles(const std::byte* nibbles, GgufBlock& block) {
  for (std::size_t i = 0; i < kSuper; ++i)
    block.codes[i] = code(byte_at(nibbles, i / 64 * 32 + i % 32) >> (i % 64 / 32 * 4) & 15U);
}

void decode_q5_k(const std::byte* bytes, GgufBlock& block) {
  super_scales(bytes, block);
  super_nibbles(bytes + 48, block);
  for (std::size_t i = 0; i < kSuper; ++i)
    block.codes[i] = code(block.codes[i] | (byte_at(bytes + 16, i % 32) >> (i / 32) & 1U) << 4);
}

// Layout: the low nibbles; the upper two bits; 16 signed scales; an f16 factor of the scales.
void decode_q6_k(const std::byte* bytes, GgufBlock& block) {
  const std::byte* pairs = bytes + 128;
  const std::byte* scales = bytes + 192;
  const float d = half_at(bytes + 208);
  for (std::size_t g = 0; g < 16; ++g)
    block.scales[g] = d * static_cast<float>(static_cast<std::int8_t>(byte_at(scales, g)));
  for (std::size_t i = 0; i < kSuper; ++i) {
    const std::size_t in_half = i % 128;
    const unsigned low = byte_at(bytes, i / 128 * 64 + i % 64) >> (in_half / 64 * 4) & 15U;
    const unsigned high = byte_at(pairs, i / 128 * 32 + i % 32) >> (in_half / 32 * 2) & 3U;
    block.codes[i] = code(low | high << 4);
  }
}

// The sixteen values that IQ4_NL's codes stand for, closer together around zero.
constexpr int kUnevenSteps[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
// Twice the values of a 4-bit float with one sign, two exponent and one mantissa bits.
constexpr int kFloat4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(exponent - 127) / 2, because kFloat4 holds doubled values. The two smallest results are subnormal.
float half_power(unsigned exponent) {
  return std::bit_cast<float>(exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23);
}

}  // namespace

void decode_gguf_block(GgufTensorType type, const std::byte* bytes, GgufBlock& block) {
  switch (type) {
    case GgufTensorType::q8_0:
      return decode_q8_0(bytes, block);
    case GgufTensorType::q4_0:
      block.scales[0] = half_at(bytes);
      return small_nibbles(bytes + 2, block, code);
    case GgufTensorType::q4_1:
      block.scales[0] = half_at(bytes);
      block.least[0] = half_at(bytes + 2);
      return small_nibbles(bytes + 4, block, code);
    case GgufTensorType::q5_0:
      block.scales[0] = half_at(bytes);
      return small_five_bits(bytes + 2, bytes + 6, block);
    case GgufTensorType::q5_1:
      block.scales[0] = half_at(bytes);
      block.least[0] = half_at(bytes + 2);
      return small_five_bits(bytes + 4, bytes + 8, block);
    case GgufTensorType::q2_k:
      return decode_q2_k(bytes, block);
    case GgufTensorType::q3_k:
      return decode_q3_k(bytes, block);
    case GgufTensorType::q4_k:
      super_scales(bytes, block);
      return super_nibbles(bytes + 16, block);
    case GgufTensorType::q5_k:
      return decode_q5_k(bytes, block);
    case GgufTensorType::q6_k:
      return decode_q6_k(bytes, block);
    case GgufTensorType::iq4_nl:
      block.scales[0] = half_at(bytes);
      return small_nibbles(bytes + 2, block,
                           [](unsigned i) { return static_cast<std::uint8_t>(kUnevenSteps[i] + 128); });
    case GgufTensorType::mxfp4:
      block.scales[0] = half_power(byte_at(bytes, 0));
      return small_nibbles(bytes + 1, block,
                           [](unsigned i) { return static_cast<std::uint8_t>(kFloat4[i] + 128); });
    case GgufTensorType::f32:
    case GgufTensorType::f16:
    case GgufTensorType::bf16:
      assert(false && "plain numbers have no blocks");
  }
}

}  // namespace toptheta
