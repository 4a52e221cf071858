#include "dump/element.hpp"

#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

#include "core/half.hpp"

namespace toptheta {

namespace {

// Stores convert(value) for each value. Returns the position of the first one for which is_finite(converted)
// is false.
template <class Convert, class IsFinite>
std::optional<std::size_t> encode_each(std::span<const float> values, std::span<std::byte> out,
                                       const Convert& convert, const IsFinite& is_finite) {
  std::optional<std::size_t> wrong;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto converted = convert(values[i]);
    std::memcpy(out.data() + i * sizeof converted, &converted, sizeof converted);
    if (!is_finite(converted) && !wrong) wrong = i;
  }
  return wrong;
}

}  // namespace

hdf5::Element storage_of(DumpElement element) {
  switch (element) {
    case DumpElement::f16:
      return hdf5::Element::f16;
    case DumpElement::bf16:
      return hdf5::Element::bf16;
    case DumpElement::f32:
      return hdf5::Element::f32;
    case DumpElement::f64:
      break;
  }
  return hdf5::Element::f64;
}

std::int64_t size_of(DumpElement element) {
  return hdf5::size_of(storage_of(element));
}

std::optional<std::size_t> encode(std::span<const float> values, DumpElement element,
                                  std::span<std::byte> out) {
  assert(out.size() == values.size() * static_cast<std::size_t>(size_of(element)));
  switch (element) {
    case DumpElement::f16:
      return encode_each(values, out, f16_from_float,
                         [](std::uint16_t bits) { return (bits & 0x7C00U) != 0x7C00U; });
    case DumpElement::bf16:
      return encode_each(values, out, bf16_from_float,
                         [](std::uint16_t bits) { return (bits & 0x7F80U) != 0x7F80U; });
    case DumpElement::f32:
      return encode_each(
          values, out, [](float value) { return value; }, [](float value) { return std::isfinite(value); });
    default:
      return encode_each(
          values, out, [](float value) { return static_cast<double>(value); },
          [](double value) { return std::isfinite(value); });
  }
}

void encode_padding(float value, DumpElement element, std::span<std::byte> out) {
  const auto bytes = static_cast<std::size_t>(size_of(element));
  std::array<std::byte, 8> one{};
  encode({&value, 1}, element, std::span(one).first(bytes));
  for (std::size_t i = 0; i < out.size(); i += bytes)
    std::memcpy(out.data() + i, one.data(), bytes);
}

}  // namespace toptheta
