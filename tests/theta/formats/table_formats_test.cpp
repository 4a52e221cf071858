#include "theta/formats/table_formats.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("every format is written by its ending, and read back where it can be") {
  const TempDir dir;
  for (const std::string_view name : names_of<TableFormat>()) {
    INFO(name);
    const std::filesystem::path path = dir.path("t." + std::string(name));
    const TableFormat format = resolve_table_format(path, "-o");
    CHECK(name_of(format) == name);
    write_table(sample_table_with_rho(), 16, path, format);
    CHECK(std::filesystem::file_size(path) > 0);
    if (listed_endings(true).find("." + std::string(name)) == std::string::npos ||
        format == TableFormat::c_header) {
      CHECK_THROWS_AS(read_table(path, format), UsageError);
      continue;
    }
    const ThresholdTable read = read_table(path, format, Placement::pre_softmax);
    REQUIRE(read.targets.size() == 1);
    // Lines of a th.txt say the k in force, not the one that was asked for.
    if (format != TableFormat::authors_text) CHECK(read.targets[0].k == 16);
    CHECK(read.targets[0].layer_k == std::vector<std::int64_t>{kDenseK, 8, 16});
    if (format != TableFormat::authors_text) check_same(read.targets[0], sample_table_with_rho().targets[0]);
    if (format != TableFormat::authors_text) CHECK(read.meta.length_bins == 8);
    if (format != TableFormat::authors_text) CHECK(read.meta.kept == KeptEnds{3, 5});
  }
}

TEST_CASE("names that say no format are refused with all there are") {
  const Problem problem = problem_of<UsageError>([] { resolve_table_format("theta.bin", "--thresholds"); });
  CHECK(problem.where == "--thresholds");
  CHECK(problem.expected.find(".h5, .json, .csv, .txt, .npz, .safetensors or .h") != std::string::npos);
  CHECK_THROWS_AS(resolve_table_format("theta", "-o"), UsageError);
}

TEST_CASE("a file to be read is refused by its name, and a directory as one") {
  const TempDir dir;
  write_text(dir.path("theta.bin"), "x");
  const Problem problem = problem_of<UsageError>([&] { input_table_format(dir.path("theta.bin")); });
  CHECK(problem.where == dir.path("theta.bin").string());
  CHECK(problem.expected.find(".h5, .json, .csv or .txt") != std::string::npos);  // none that is only written
  CHECK(problem_of<InputError>([&] { input_table_format(dir.root()); }).what ==
        "cannot read: Is a directory");
  CHECK(input_table_format("theta.csv") == TableFormat::csv);
}

TEST_CASE("a few lines cannot ask for gigabytes") {
  const TempDir dir;
  std::string lines = "L4000000_H0:5 0.1 1 4\n";
  write_text(dir.path("far.txt"), lines);
  CHECK(problem_of<InputError>([&] {
          read_table(dir.path("far.txt"), TableFormat::authors_text);
        }).expected.find("262144") != std::string::npos);
  lines = "L200000_H0:5 0.1 1 4\n";
  for (int k = 1; k < 20; ++k)
    lines += "L0_H0:" + std::to_string(k + 1) + " 0.1 1 " + std::to_string(k) + "\n";
  write_text(dir.path("far.txt"), lines);
  CHECK(problem_of<InputError>([&] {
          read_table(dir.path("far.txt"), TableFormat::authors_text);
        }).what.find("too many different k") != std::string::npos);
}
