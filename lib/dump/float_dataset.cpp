#include "dump/float_dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/error.hpp"
#include "kernels/rows/convert.hpp"

namespace toptheta {

using hdf5::Element;

namespace {

// Whether an attribute `dtype` names a type that the elements are not. Other texts there say nothing.
bool names_another_type(std::string_view said, Element element) {
  constexpr std::string_view kOfTorch = "torch.";
  constexpr std::string_view kTypes[] = {"float16", "bfloat16",      "float32",     "float64", "int8",
                                         "uint8",   "float8_e4m3fn", "float8_e5m2", "int16",   "uint16"};
  if (said.starts_with(kOfTorch)) said.remove_prefix(kOfTorch.size());
  return said != name_of(element) &&
         std::find(std::begin(kTypes), std::end(kTypes), said) != std::end(kTypes);
}

}  // namespace

void require_floats(const hdf5::Dataset& dataset) {
  const Element element = dataset.element();
  const std::string said = dataset.has_attribute("dtype") ? dataset.text_attribute("dtype") : std::string();
  if (element != Element::u16 && names_another_type(said, element))
    throw InputError({.where = dataset.where(),
                      .what = "the attribute 'dtype' contradicts the element type",
                      .expected = "the elements' own type, bfloat16 as uint16, or no such attribute",
                      .found = fmt::format("elements of {}, and dtype = \"{}\"", name_of(element), said)});
  if (element != Element::f16 && element != Element::bf16 && element != Element::f32 &&
      element != Element::f64) {
    throw InputError(
        {.where = dataset.where(),
         .what = "wrong element type",
         .expected = "float16, float32, float64, or uint16 with an attribute dtype = \"bfloat16\"",
         .found = std::string(name_of(element)) + (said.empty() ? "" : " with dtype = \"" + said + "\"")});
  }
  if (dataset.size() > 0 && dataset.stored_bytes() == 0)
    throw InputError({.where = dataset.where(), .what = "the data set was declared but never written"});
}

void FloatDataset::load(std::span<const hdf5::Box> boxes, std::int64_t elements) {
  const auto count = static_cast<std::size_t>(elements);
  switch (dataset_.element()) {
    case Element::f64:
      doubles_.resize(count);
      dataset_.read(boxes, std::span(doubles_));
      break;
    case Element::f32:
      floats_.resize(count);
      dataset_.read(boxes, std::span(floats_));
      break;
    default:
      halves_.resize(count);
      dataset_.read_raw16(boxes, halves_);
  }
}

void FloatDataset::widen(std::int64_t first, std::span<float> out) const {
  const auto offset = static_cast<std::size_t>(first);
  switch (dataset_.element()) {
    case Element::f64:
      floats_from_f64(std::span(doubles_).subspan(offset, out.size()), out);
      break;
    case Element::f32:
      std::copy_n(floats_.begin() + first, out.size(), out.begin());
      break;
    case Element::bf16:
      floats_from_bf16(std::span(halves_).subspan(offset, out.size()), out);
      break;
    default:
      floats_from_f16(std::span(halves_).subspan(offset, out.size()), out);
  }
}

}  // namespace toptheta
