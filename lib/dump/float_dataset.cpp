#include "dump/float_dataset.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "kernels/rows/convert.hpp"

namespace toptheta {

using hdf5::Element;

void require_floats(const hdf5::Dataset& dataset) {
  const Element element = dataset.element();
  const std::string said = dataset.has_attribute("dtype") ? dataset.text_attribute("dtype") : std::string();
  if (element != Element::bf16 && element != Element::u16 && said == name_of(Element::bf16))
    throw InputError({.where = dataset.where(),
                      .what = "the attribute 'dtype' contradicts the element type",
                      .expected = "bfloat16 as uint16, or no such attribute",
                      .found = std::string(name_of(element))});
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
