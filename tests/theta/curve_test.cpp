#include "theta/curve.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/curve_csv.hpp"
#include "theta/formats/curve_file.hpp"

using namespace toptheta;

TEST_CASE("length bins ascend, four to the octave, single lengths at first") {
  CHECK(length_bin(1) == 0);
  std::int32_t last = 0;
  for (std::int32_t n = 2; n < 5000; ++n) {
    const std::int32_t bin = length_bin(n);
    CHECK((bin >= last));
    last = bin;
  }
  CHECK(length_bin(8) != length_bin(10));
  CHECK(length_bin(1024) == 4 * 10);
  CHECK(length_bin(1279) == length_bin(1024));
  CHECK(length_bin(1280) == length_bin(1024) + 1);
  CHECK(length_bin(std::numeric_limits<std::int32_t>::max()) == 4 * 31 - 1);
}

TEST_CASE("a value lies between the edges of its bin") {
  for (const float x : {-4000.1F, -1.0F, -0.03125F, -1e-30F, 0.0F, 1e-30F, 0.03125F, 0.99F, 17.3F, 900.0F}) {
    const std::int32_t bin = value_bin(x, Placement::pre_softmax);
    CHECK(lower_edge(bin, Placement::pre_softmax) <= static_cast<double>(x));
    CHECK(static_cast<double>(x) < lower_edge(bin + 1, Placement::pre_softmax));
  }
  CHECK(value_bin(1e30F, Placement::pre_softmax) == kScoreBinLimit);
  CHECK(value_bin(-1e30F, Placement::pre_softmax) == -kScoreBinLimit);
  for (const float p : {0.0F, 1e-20F, 1e-12F, 1e-6F, 0.1F, 0.5F, 0.97F, 1.0F}) {
    const std::int32_t bin = value_bin(p, Placement::post_softmax);
    CHECK(lower_edge(bin, Placement::post_softmax) <= static_cast<double>(p));
    CHECK(static_cast<double>(p) < lower_edge(bin + 1, Placement::post_softmax));
  }
}

TEST_CASE("a curve that claims more than its rows can hold is refused") {
  const testing::TempDir dir;
  const auto reads = [&](std::int64_t count, std::int64_t mass) {
    const ModelShape shape{.num_layers = 1, .num_heads = 1, .num_kv_heads = 1, .head_dim = 2};
    const ScoreCurves curves{{{{length_bin(8), 2, 8, 8, {{-3, 4, 7}, {1, count, mass}}}}}};
    hdf5::File file = hdf5::File::create(dir.path("curves.h5"), "curves.h5");
    hdf5::Group root = file.root();
    write_curves(root, curves, 1);
    file.close();
    return read_curves(hdf5::File::open(dir.path("curves.h5")).root(), shape) == curves;
  };
  const std::int64_t unit = std::int64_t{1} << 36;
  CHECK(reads(12, 2 * unit));
  CHECK_THROWS_AS(reads(13, 5), InputError);
  CHECK_THROWS_AS(reads(std::int64_t{1} << 62, 5), InputError);
  CHECK_THROWS_AS(reads(12, 3 * unit), InputError);
  CHECK_THROWS_AS(reads(12, std::numeric_limits<std::int64_t>::max()), InputError);
}

TEST_CASE("curves that count too little, in other units, or with an unknown column are refused") {
  const testing::TempDir dir;
  const ModelShape shape{.num_layers = 1, .num_heads = 1, .num_kv_heads = 1, .head_dim = 2};
  const auto reads = [&](std::int64_t count, const std::function<void(hdf5::Group&)>& change) {
    const ScoreCurves curves{{{{length_bin(8), 2, 8, 9, {{-3, 4, 7}, {1, count, 5}}}}}};
    hdf5::File file = hdf5::File::create(dir.path("curves.h5"), "curves.h5");
    {
      hdf5::Group root = file.root();
      write_curves(root, curves, 1);
      hdf5::Group group = root.open_group("curves");
      change(group);
    }
    file.close();
    return read_curves(hdf5::File::open(dir.path("curves.h5")).root(), shape) == curves;
  };
  const auto nothing = [](hdf5::Group& /*curves*/) {};
  CHECK(reads(12, nothing));
  CHECK(reads(14, nothing));
  CHECK_THROWS_AS(reads(11, nothing), InputError);
  CHECK_THROWS_AS(
      reads(12, [](hdf5::Group& curves) { curves.write_vector("weight", std::vector<double>{1.0}); }),
      InputError);

  hdf5::File file = hdf5::File::create(dir.path("units.h5"), "units.h5");
  {
    hdf5::Group group = file.root().create_group("curves");
    group.write_attribute("version", std::int64_t{1});
    group.write_attribute("mass_unit", 1.0);
  }
  file.close();
  const Problem problem = testing::problem_of<InputError>(
      [&] { (void)read_curves(hdf5::File::open(dir.path("units.h5")).root(), shape); });
  CHECK(problem.what.find("'mass_unit'") == 0);
}

TEST_CASE("a reader answers for edges exactly and in between by interpolation") {
  // Two rows; 4 elements in [0, 1/32), 2 in [1/32, 2/32), a gap, 1 in [10/32, 11/32).
  const std::int64_t half = std::int64_t{1} << 35;
  const ScoreCurve curve{8, 2, 3, 4, {{0, 4, half}, {1, 2, half}, {10, 1, 2 * half}}};
  const CurveReader reader(curve, Placement::pre_softmax);
  CHECK(reader.mean_length() == 3.5);
  CHECK(reader.kept(1) == 0);
  CHECK(reader.kept(10 * kScoreBin) == 0.5);
  CHECK(reader.kept(5 * kScoreBin) == 0.5);
  CHECK(reader.kept(1 * kScoreBin) == 1.5);
  CHECK(reader.kept(-3) == 3.5);
  CHECK(reader.kept_mass(10 * kScoreBin) == 0.5);
  CHECK(reader.kept_mass(0) == Approx(1));
  for (const double kept : {0.25, 0.7, 1.5, 2.0, 3.4})
    CHECK(reader.kept(reader.theta(kept)) == Approx(kept));
  CHECK(reader.theta(100) == 0);
}

TEST_CASE("curves as CSV: one line for each bin, numbers in full") {
  const testing::TempDir dir;
  ThresholdTable table;
  table.meta.shape = {2, 2, 1, 8};
  const std::int64_t half = std::int64_t{1} << 35;
  table.curves.cells.resize(4);
  table.curves.cells[1] = {{8, 2, 3, 4, {{-1, 4, half}, {10, 1, 3 * half}}}};
  table.curves.cells[2] = {{0, 1, 1, 1, {{0, 1, 1}}}};
  write_curve_csv(table, dir.path("curve.csv"));
  CHECK(testing::file_text(dir.path("curve.csv")) ==
        "layer,head,shortest,longest,rows,lower,upper,count,mass\n"
        "0,1,3,4,2,-0.03125,0,4,0.5\n"
        "0,1,3,4,2,0.3125,0.34375,1,1.5\n"
        "1,0,1,1,1,0,0.03125,1,1.4551915228366852e-11\n");
}
