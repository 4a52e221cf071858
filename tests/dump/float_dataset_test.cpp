#include "dump/float_dataset.hpp"

#include "core/half.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {

TEST_CASE("every element type is read and widened") {
  const testing::TempDir dir;
  const std::vector<float> values = {0.5F, -1, 3, 4, 5, -6.5F, 0, 80};
  {
    hdf5::File file = hdf5::File::create(dir.path("x.h5"), "x");
    hdf5::Group root = file.root();
    std::vector<std::uint16_t> f16;
    std::vector<std::uint16_t> bf16;
    for (const float value : values) {
      f16.push_back(f16_from_float(value));
      bf16.push_back(bf16_from_float(value));
    }
    root.create_dataset("float16", hdf5::Element::f16, {8})
        .write_raw({{0}, {8}}, std::as_bytes(std::span(f16)));
    root.create_dataset("bfloat16", hdf5::Element::bf16, {8})
        .write_raw({{0}, {8}}, std::as_bytes(std::span(bf16)));
    root.write_vector("float32", values);
    root.write_vector("float64", std::vector<double>(values.begin(), values.end()));
  }
  const hdf5::File file = hdf5::File::open(dir.path("x.h5"));
  for (const char* name : {"float16", "bfloat16", "float32", "float64"}) {
    INFO(name);
    require_floats(file.root().open_dataset(name));
    FloatDataset dataset(file.root().open_dataset(name));
    const std::vector<hdf5::Box> boxes = {{{1}, {2}}, {{4}, {4}}};
    dataset.load(boxes, 6);
    std::vector<float> out(4);
    dataset.widen(1, out);
    CHECK(out == std::vector<float>{3, 5, -6.5F, 0});
  }
}

}  // namespace toptheta
