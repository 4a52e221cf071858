#include "theta/formats/table_file.hpp"

#include <cmath>
#include <functional>
#include <span>

#include "io/hdf5.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// Copies a table file attribute by attribute and column by column, leaving room for one change: what `change`
// writes instead of the attribute or data set of that name (in the target /targets/4 or the root).
struct Change {
  std::string name;
  std::function<void(hdf5::Group&)> write;
};

void write_root(hdf5::Group& root, const Change& change) {
  const std::vector<std::pair<std::string, std::function<void()>>> parts = {
      {"format", [&] { root.write_attribute("format", "toptheta.threshold-table"); }},
      {"version", [&] { root.write_attribute("version", std::int64_t{1}); }},
      {"num_layers", [&] { root.write_attribute("num_layers", std::int64_t{2}); }},
      {"num_heads", [&] { root.write_attribute("num_heads", std::int64_t{1}); }},
      {"num_kv_heads", [&] { root.write_attribute("num_kv_heads", std::int64_t{1}); }},
      {"head_dim", [&] { root.write_attribute("head_dim", std::int64_t{0}); }},
      {"model", [&] { root.write_attribute("model", ""); }},
      {"placement", [&] { root.write_attribute("placement", "post-softmax"); }},
      {"estimator", [&] { root.write_attribute("estimator", "exact"); }},
      {"add_sigma", [&] { root.write_attribute("add_sigma", 0.1); }},
      {"topk_at_calibration", [&] { root.write_attribute("topk_at_calibration", std::int64_t{0}); }},
      {"row_fraction", [&] { root.write_attribute("row_fraction", 1.0); }},
      {"provenance",
       [&] {
         const std::string json = R"({"version": "", "commit": "", "command": "", "seed": 0, "inputs": []})";
         root.write_vector("provenance", std::vector<std::uint8_t>(json.begin(), json.end()));
       }},
  };
  for (const auto& [name, write] : parts)
    name == change.name ? change.write(root) : write();
}

void write_target(hdf5::Group& group, const Change& change) {
  using Ints = std::vector<std::int32_t>;
  using Longs = std::vector<std::int64_t>;
  using Doubles = std::vector<double>;
  const std::vector<std::pair<std::string, std::function<void()>>> parts = {
      {"k", [&] { group.write_attribute("k", std::int64_t{4}); }},
      {"index", [&] { group.write_attribute("index", std::int64_t{0}); }},
      {"layer_k",
       [&] {
         group.write_vector("layer_k", Longs{-1, 4});
       }},
      {"layer",
       [&] {
         group.write_vector("layer", Ints{1, 1});
       }},
      {"head",
       [&] {
         group.write_vector("head", Ints{0, 0});
       }},
      {"length",
       [&] {
         group.write_vector("length", Ints{5, 7});
       }},
      {"theta",
       [&] {
         group.write_vector("theta", Doubles{1.5, 2.5});
       }},
      {"std",
       [&] {
         group.write_vector("std", Doubles{0, 0});
       }},
      {"count",
       [&] {
         group.write_vector("count", Longs{1, 1});
       }},
      {"sdc",
       [&] {
         group.write_vector("sdc", Doubles{0, kNotCalibrated});
       }},
      {"kept_mass",
       [&] {
         group.write_vector("kept_mass", Doubles{0, 1});
       }},
  };
  for (const auto& [name, write] : parts)
    name == change.name ? change.write(group) : write();
}

void write_file(const std::filesystem::path& path, const Change& change) {
  hdf5::File file = hdf5::File::create(path, path.string());
  {
    hdf5::Group root = file.root();
    write_root(root, change);
    hdf5::Group target = root.create_group("targets").create_group("4");
    write_target(target, change);
  }
  file.close();
}

// Where load_table complains about the file with this change, without the file's name.
std::string where_of(const TempDir& dir, const std::string& name, std::function<void(hdf5::Group&)> write) {
  const auto path = dir.path("bad.h5");
  write_file(path, {name, std::move(write)});
  const Problem problem = problem_of<InputError>([&] { load_table(path); });
  CHECK(problem.where.find(path.string()) == 0);
  CHECK_FALSE(problem.what.empty());
  return problem.where.substr(path.string().size());
}

}  // namespace

TEST_CASE("a table file keeps laws for rho, and refuses damaged ones") {
  const TempDir dir;
  save_table(sample_table_with_laws(), dir.path("a.h5"));
  check_same(load_table(dir.path("a.h5")), sample_table_with_laws());
  save_table(load_table(dir.path("a.h5")), dir.path("b.h5"));
  CHECK(file_text(dir.path("a.h5")) == file_text(dir.path("b.h5")));
  CHECK_FALSE(hdf5::File::open(dir.path("a.h5")).root().open_group("targets").open_group("4").has("rho_law"));
  const auto where_with = [&](const hdf5::Dims& dims, std::vector<double> laws) {
    return where_of(dir, "kept_mass", [&, laws](hdf5::Group& group) {
      group.write_vector("kept_mass", std::vector<double>{0, 1});
      group.create_dataset("rho_law", hdf5::Element::f64, dims).write(std::span<const double>(laws));
    });
  };
  CHECK(where_with({2, 3}, {NAN, NAN, NAN, 1, NAN, 0}) == ":/targets/4/rho_law[1]");
  CHECK(where_with({2, 3}, {NAN, NAN, NAN, 1, INFINITY, 0}) == ":/targets/4/rho_law[1]");
  CHECK(where_with({3, 2}, {0, 0, 0, 0, 0, 0}) == ":/targets/4/rho_law");
  CHECK(where_with({6}, {0, 0, 0, 0, 0, 0}) == ":/targets/4/rho_law");
}

TEST_CASE("a table file keeps everything, and equal tables are equal files") {
  const TempDir dir;
  save_table(sample_table(), dir.path("a.h5"));
  const ThresholdTable loaded = load_table(dir.path("a.h5"));
  check_same(loaded, sample_table());
  save_table(loaded, dir.path("b.h5"));
  CHECK(file_text(dir.path("a.h5")) == file_text(dir.path("b.h5")));
}

TEST_CASE("a table file without curves, as all were once, is read") {
  const TempDir dir;
  write_file(dir.path("old.h5"), {"", {}});
  const ThresholdTable table = load_table(dir.path("old.h5"));
  CHECK(table.curves.empty());
  REQUIRE(table.targets.size() == 1);
  CHECK(table.targets[0].cells[1][1].theta == 2.5);
}

TEST_CASE("large tables are compressed, long provenance fits") {
  const TempDir dir;
  ThresholdTable table = sample_table();
  table.meta.shape.num_layers = 3;
  for (std::int32_t n = 1; n <= 60000; ++n)
    table.targets[0].cells[0].push_back({n, 0.001 * n, 0.5, 3, 0.25, 0.75});
  for (int i = 0; i < 2000; ++i)
    table.meta.provenance.inputs.push_back({"dumps/" + std::to_string(i) + ".h5", std::string(64, 'a')});
  save_table(table, dir.path("a.h5"));
  const ThresholdTable loaded = load_table(dir.path("a.h5"));
  CHECK(loaded.meta.provenance == table.meta.provenance);
  REQUIRE(loaded.targets[0].cells[0].size() == 60000);
  CHECK(same(loaded.targets[0].cells[0][59999], table.targets[0].cells[0][59999]));
  CHECK(std::filesystem::file_size(dir.path("a.h5")) < 1000000);
}

TEST_CASE("the documented layout is what load_table reads") {
  const TempDir dir;
  write_file(dir.path("t.h5"), {});
  const ThresholdTable table = load_table(dir.path("t.h5"));
  CHECK(table.meta.shape == ModelShape{2, 1, 1, 0});
  CHECK(table.meta.placement == Placement::post_softmax);
  CHECK(table.target(4).layer_k == std::vector<std::int64_t>{kDenseK, 4});
  CHECK(same(table.target(4).cells[1][1], {7, 2.5, 0, 1, kNotCalibrated, 1}));
}

TEST_CASE("other kinds of file are called by their name") {
  const TempDir dir;
  const auto with_format = [&](const char* format) {
    write_file(dir.path("x.h5"), {"format", [format](hdf5::Group& root) {
                                    if (format != nullptr) root.write_attribute("format", format);
                                  }});
    return problem_of<InputError>([&] { load_table(dir.path("x.h5")); });
  };
  const Problem dump = with_format("toptheta.attention-dump");
  CHECK(dump.what == "an attention dump, not a threshold table");
  CHECK(dump.next.find("tt-calibrate fit " + dir.path("x.h5").string()) != std::string::npos);
  CHECK(with_format("something").found == "format = 'something'");
  CHECK(with_format(nullptr).what == "not a threshold table");

  write_text(dir.path("text"), "not HDF5");
  CHECK_THROWS_AS(load_table(dir.path("text")), InputError);
  write_text(dir.path("empty"), "");
  CHECK_THROWS_AS(load_table(dir.path("empty")), InputError);
  CHECK_THROWS_AS(load_table(dir.path("absent")), InputError);
  CHECK_THROWS_AS(load_table(dir.root()), InputError);
}

TEST_CASE("wrong root attributes are refused") {
  const TempDir dir;
  const auto number = [](const char* name, std::int64_t value) {
    return [name, value](hdf5::Group& root) { root.write_attribute(name, value); };
  };
  const auto nothing = [](hdf5::Group&) {};
  CHECK(where_of(dir, "version", number("version", 4)) == "");
  CHECK(where_of(dir, "version", number("version", 2)) == ":/");  // no target has head_k
  CHECK(where_of(dir, "version", number("version", 3)) == ":/");  // neither keep_first nor keep_recent
  CHECK(where_of(dir, "num_layers", nothing).find(":/") == 0);
  CHECK(where_of(dir, "num_layers", number("num_layers", 0)) == ":/");
  CHECK(where_of(dir, "num_layers", number("num_layers", std::int64_t{1} << 62)) == ":/");
  CHECK(where_of(dir, "num_heads", number("num_heads", std::int64_t{1} << 62)) == ":/");
  CHECK(where_of(dir, "num_kv_heads", number("num_kv_heads", -1)) == ":/");
  CHECK(where_of(dir, "placement", [](hdf5::Group& root) { root.write_attribute("placement", "here"); }) ==
        ":/");
  CHECK(where_of(dir, "row_fraction", [](hdf5::Group& root) { root.write_attribute("row_fraction", 2.0); }) ==
        ":/");
  CHECK(where_of(dir, "add_sigma",
                 [](hdf5::Group& root) { root.write_attribute("add_sigma", kNotCalibrated); }) == ":/");
  CHECK(where_of(dir, "provenance", [](hdf5::Group& root) {
          root.write_vector("provenance", std::vector<std::uint8_t>{'{'});
        }) == ":/provenance:line 1, column 2");
  CHECK(where_of(dir, "provenance", [](hdf5::Group& root) {
          root.write_vector("provenance", std::vector<std::uint8_t>{'{', '}'});
        }) == ":/provenance:version");
}

TEST_CASE("wrong targets are refused") {
  using Ints = std::vector<std::int32_t>;
  using Longs = std::vector<std::int64_t>;
  using Doubles = std::vector<double>;
  const TempDir dir;
  const auto column = [&](const char* name, auto values) {
    return where_of(dir, name, [=](hdf5::Group& group) { group.write_vector(name, values); });
  };
  const std::string target = ":/targets/4";
  CHECK(where_of(dir, "k", [](hdf5::Group& group) { group.write_attribute("k", std::int64_t{5}); }) ==
        target);
  CHECK(column("layer_k", Longs{-1}) == target + "/layer_k");
  CHECK(column("layer_k", Longs{-2, 4}) == target);
  CHECK(column("layer_k", Doubles{1, 4}) == target + "/layer_k");
  CHECK(column("layer", Ints{1, 2}) == target + "/layer[1]");
  CHECK(column("layer", Ints{1, 0}) == target + "/length[1]");
  CHECK(column("head", Ints{0, 1}) == target + "/head[1]");
  CHECK(column("head", Ints{0, -1}) == target + "/head[1]");
  CHECK(column("head", Ints{0}) == target + "/head");
  CHECK(column("length", Ints{7, 7}) == target + "/length[1]");
  CHECK(column("length", Ints{8, 7}) == target + "/length[1]");
  CHECK(column("length", Ints{0, 7}) == target + "/length[0]");
  constexpr std::int64_t kPast = std::int64_t{1} << 32;
  CHECK(column("length", Longs{7, 9 + kPast}) == target + "/length[1]");
  CHECK(column("layer", Longs{1, 1 + kPast}) == target + "/layer[1]");
  CHECK(column("layer_k", Longs{-1, std::numeric_limits<std::int64_t>::max()}) == target + "/layer_k[1]");
  CHECK(column("theta", Doubles{1, kNotCalibrated}) == target + "/theta[1]");
  CHECK(column("theta", Ints{1, 1}) == target + "/theta");
  CHECK(column("theta", Doubles{1, 2, 3}) == target + "/theta");
  CHECK(column("std", Doubles{-1, 0}) == target + "/std[0]");
  CHECK(column("count", Longs{-1, 0}) == target + "/count[0]");
  CHECK(column("sdc", Doubles{0, -0.5}) == target + "/sdc[1]");
  CHECK(column("kept_mass", Doubles{0, std::numeric_limits<double>::infinity()}) == target + "/kept_mass[1]");
  CHECK(where_of(dir, "theta", [](hdf5::Group&) {}).find(target) == 0);
  CHECK(where_of(dir, "layer", [](hdf5::Group& group) {
          group.create_dataset("layer", hdf5::Element::i32, {std::int64_t{1} << 40}, {{1024}, 1});
        }) == target + "/layer");
  CHECK(where_of(dir, "layer", [](hdf5::Group& group) {
          group.create_dataset("layer", hdf5::Element::i32, {2, 1}, {});
        }) == target + "/layer");
}

TEST_CASE("a truncated table file does not load") {
  const TempDir dir;
  save_table(sample_table(), dir.path("a.h5"));
  const std::string bytes = file_text(dir.path("a.h5"));
  for (std::size_t size = 0; size < bytes.size(); size += 997) {
    write_text(dir.path("cut.h5"), bytes.substr(0, size));
    CHECK_THROWS_AS(load_table(dir.path("cut.h5")), InputError);
  }
}

TEST_CASE("flipped bytes in a column are an InputError or another number, never worse") {
  const TempDir dir;
  const ThresholdTable table = sample_table();
  save_table(table, dir.path("a.h5"));
  const std::string bytes = file_text(dir.path("a.h5"));
  const double first = table.targets[0].cells[2][0].theta;
  const std::size_t column = bytes.find(std::string(reinterpret_cast<const char*>(&first), sizeof first));
  REQUIRE(column != std::string::npos);
  int refused = 0;
  for (std::size_t at = column; at < column + 12 * sizeof first; ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x7F);
    write_text(dir.path("flip.h5"), changed);
    try {
      const ThresholdTable loaded = load_table(dir.path("flip.h5"));
      for (const auto& cell : loaded.targets[0].cells)
        for (const ThresholdEntry& entry : cell)
          CHECK(std::isfinite(entry.theta));
    } catch (const InputError& error) {
      CHECK(error.problem().where.find("/targets/16/theta[") != std::string::npos);
      ++refused;
    }
  }
  CHECK(refused < 12);
}

TEST_CASE("the k of every head is kept, in a file of version 2") {
  const TempDir dir;
  ThresholdTable table = sample_table_by_head();
  save_table(table, dir.path("t.h5"));
  check_same(load_table(dir.path("t.h5")), table);
  CHECK(hdf5::File::open(dir.path("t.h5")).root().int_attribute("version") == 2);
  save_table(sample_table(), dir.path("plain.h5"));
  CHECK(hdf5::File::open(dir.path("plain.h5")).root().int_attribute("version") == 1);
  table.targets[0].layer_k[0] = 4;  // not the smallest of its heads
  save_table(table, dir.path("bad.h5"));
  CHECK_THROWS_AS(load_table(dir.path("bad.h5")), InputError);
  table.targets[0].head_k.pop_back();
  save_table(table, dir.path("bad.h5"));
  CHECK(problem_of<InputError>([&] { (void)load_table(dir.path("bad.h5")); }).where.ends_with("head_k"));
}
