#include "theta/formats/authors_text.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// Reads the text as a th.txt and writes it again.
std::string through(const TempDir& dir, const std::string& text) {
  write_text(dir.path("in.txt"), text);
  write_authors_thresholds(read_authors_thresholds(dir.path("in.txt")), 0, dir.path("out.txt"));
  return file_text(dir.path("out.txt"));
}

std::string where_of_bad_lines(const TempDir& dir, const std::string& text) {
  write_text(dir.path("bad.txt"), text);
  const Problem problem = problem_of<InputError>([&] { read_authors_thresholds(dir.path("bad.txt")); });
  CHECK(problem.where.find(dir.path("bad.txt").string()) == 0);
  return problem.where.substr(dir.path("bad.txt").string().size());
}

}  // namespace

TEST_CASE("a th.txt comes through unchanged") {
  const TempDir dir;
  const std::string text =
      "L0_H0:70 1e-05 4 64\nL0_H0:71 4.0 1 64\nL0_H1:70 -3.25 4 64\n"
      "L1_H0:1219 0.0002257227897644043 4 64\nL1_H1:1219 1e+16 0 64\n";
  CHECK(through(dir, text) == text);

  const ThresholdTable table = read_authors_thresholds(dir.path("in.txt"), Placement::post_softmax);
  CHECK(table.meta.shape == ModelShape{2, 2, 0, 0});
  CHECK(table.meta.placement == Placement::post_softmax);
  REQUIRE(table.targets.size() == 1);
  CHECK(table.targets[0].k == 64);
  CHECK(table.targets[0].layer_k == std::vector<std::int64_t>{64, 64});
  CHECK(same(table.targets[0].cells[2][0], {1219, 0.0002257227897644043, 0, 4}));
}

TEST_CASE("several k are several targets, in the order of the file") {
  const TempDir dir;
  const std::string text = "L0_H0:70 1.0 4 64\nL1_H0:70 2.0 4 64\nL0_H0:70 3.0 4 16\nL1_H0:70 4.0 4 16\n";
  CHECK(through(dir, text) == text);
  const ThresholdTable table = read_authors_thresholds(dir.path("in.txt"));
  REQUIRE(table.targets.size() == 2);
  CHECK(table.targets[0].k == 64);
  CHECK(table.target(16).cells[1][0].theta == 4.0);
  write_authors_thresholds(table, 16, dir.path("one.txt"));
  CHECK(file_text(dir.path("one.txt")) == "L0_H0:70 3.0 4 16\nL1_H0:70 4.0 4 16\n");
  CHECK_THROWS_AS(write_authors_thresholds(table, 17, dir.path("none.txt")), UsageError);
  CHECK_FALSE(std::filesystem::exists(dir.path("none.txt")));
}

TEST_CASE("layers with a k of their own belong to one target") {
  const TempDir dir;
  const std::string text = "L0_H0:600 1.0 1 512\nL1_H0:600 2.0 1 64\nL3_H0:600 3.0 1 64\n";
  CHECK(through(dir, text) == text);
  const ThresholdTable table = read_authors_thresholds(dir.path("in.txt"));
  REQUIRE(table.targets.size() == 1);
  CHECK(table.targets[0].k == 64);
  CHECK(table.targets[0].layer_k == std::vector<std::int64_t>{512, 64, kDenseK, 64});
}

TEST_CASE("layers of equally frequent k: the smaller is the target") {
  const TempDir dir;
  write_text(dir.path("in.txt"), "L0_H0:600 1.0 1 512\nL1_H0:600 2.0 1 64\n");
  CHECK(read_authors_thresholds(dir.path("in.txt")).targets[0].k == 64);
}

TEST_CASE("several targets share the layers with a k of their own") {
  const TempDir dir;
  const ThresholdTable table = sample_table();
  write_authors_thresholds(table, 0, dir.path("a.txt"));
  const ThresholdTable read = read_authors_thresholds(dir.path("a.txt"));
  REQUIRE(read.targets.size() == 2);
  CHECK(read.targets[0].k == 16);
  for (std::size_t t = 0; t < 2; ++t) {
    CHECK(read.targets[t].layer_k == table.targets[t].layer_k);
    for (std::size_t cell = 0; cell < 6; ++cell) {
      REQUIRE(read.targets[t].cells[cell].size() == table.targets[t].cells[cell].size());
      for (std::size_t i = 0; i < read.targets[t].cells[cell].size(); ++i)
        CHECK(read.targets[t].cells[cell][i].theta == table.targets[t].cells[cell][i].theta);
    }
  }
  write_authors_thresholds(read, 0, dir.path("b.txt"));
  CHECK(file_text(dir.path("a.txt")) == file_text(dir.path("b.txt")));
}

TEST_CASE("lines in any order, with blank lines and carriage returns") {
  const TempDir dir;
  CHECK(through(dir, "L0_H1:9 2 1 4\r\n\n\r\nL0_H0:9 1 1 4\nL0_H0:8 .5 1 4") ==
        "L0_H0:8 0.5 1 4\nL0_H0:9 1.0 1 4\nL0_H1:9 2.0 1 4\n");
}

TEST_CASE("bad lines of a th.txt are named") {
  const TempDir dir;
  const std::string good = "L0_H0:9 1.0 1 4\n";
  CHECK(where_of_bad_lines(dir, "") == "");
  for (const char* bad :
       {"L0_H0:9 1.0 1", "L0_H0:9 1.0 1 4 5", "L0_H0:9 nan 1 4", "L0_H0:9 inf 1 4", "L0_H0:9 1e999 1 4",
        "L-1_H0:9 1.0 1 4", "L0_H0:0 1.0 1 4", "L0_H0:9 1.0 -1 4", "L0_H0:9 1.0 1 0", "L0_H0:9  1.0 1 4",
        "L0_H0:99999999999 1.0 1 4", "L99999999999999999999_H0:9 1.0 1 4", "hello", "L0_H0:9 1.0 1.5 4",
        "L0_H0:10 0x1 1 4"})
    CHECK(where_of_bad_lines(dir, good + bad + "\n") == ":2");
  CHECK(where_of_bad_lines(dir, good + "L4000000_H9:9 1.0 1 4\n") == ":2");
  CHECK(where_of_bad_lines(dir, good + "L0_H1:9 1.0 1 4\n" + good) == ":3");
  CHECK(where_of_bad_lines(dir, "L0_H0:9 1.0 1 4\nL1_H0:9 1.0 1 4\nL2_H0:9 1.0 1 2\nL2_H0:9 1.0 1 3\n") ==
        "");
  CHECK(where_of_bad_lines(dir, good + "L0_H0:9\xFF 1.0 1 4\n") == ":2");
  CHECK_THROWS_AS(read_authors_thresholds(dir.path("absent.txt")), InputError);
}

TEST_CASE("an sdc.txt both ways") {
  const TempDir dir;
  ThresholdTable table = sample_table();
  write_authors_sdc(table, 4, dir.path("sdc.txt"), "t.h5");
  const std::string text = file_text(dir.path("sdc.txt"));
  CHECK(text.find("L1_H0:18 1e-05 1\nL1_H0:28 2e-05 2\n") == 0);
  CHECK(text.find("L2_H1") == std::string::npos);

  for (auto& cell : table.targets[1].cells)
    for (ThresholdEntry& entry : cell)
      entry.sdc = kNotCalibrated;
  CHECK(problem_of<InputError>([&] { write_authors_sdc(table, 4, dir.path("x"), "t.h5"); }).where == "t.h5");
  read_authors_sdc(dir.path("sdc.txt"), 4, table);
  check_same(table, sample_table());
  CHECK_THROWS_AS(read_authors_sdc(dir.path("sdc.txt"), 0, table), UsageError);
}

TEST_CASE("bad lines of an sdc.txt are named") {
  const TempDir dir;
  for (const char* bad :
       {"L1_H0:28 -1.0 2", "L1_H0:29 1.0 2", "L9_H0:28 1.0 2", "L1_H2:28 1.0 2", "L1_H0:28 1.0 2 64",
        "L1_H0:18 0.25 1", "L1_H0:18 0.5 1"}) {  // the last two give a term twice
    write_text(dir.path("sdc.txt"), std::string("L1_H0:18 0.5 1\n") + bad + "\n");
    ThresholdTable table = sample_table();
    const Problem problem = problem_of<InputError>([&] { read_authors_sdc(dir.path("sdc.txt"), 4, table); });
    CHECK(problem.where == dir.path("sdc.txt").string() + ":2");
  }
}

TEST_CASE("heads with a k of their own are one target, and come through unchanged") {
  const TempDir dir;
  const ThresholdTable table = sample_table_by_head();
  write_authors_thresholds(table, 0, dir.path("th.txt"));
  const std::string text = file_text(dir.path("th.txt"));
  CHECK(text.find("L0_H1:6 -0.75 7 5\n") != std::string::npos);
  CHECK(through(dir, text) == text);
  const ThresholdTable back = read_authors_thresholds(dir.path("th.txt"));
  REQUIRE(back.targets.size() == 1);
  CHECK(back.targets[0].k == 5);
  CHECK(back.targets[0].head_k == table.targets[0].head_k);
  CHECK(back.targets[0].layer_k == table.targets[0].layer_k);
}

TEST_CASE("thresholds that a th.txt cannot hold beside others are named; dense heads have no lines") {
  const TempDir dir;
  ThresholdTable table = sample_table();  // layer 1 has k = 8 under both targets
  CHECK(describe_lost_lines(table, 0).empty());
  table.targets[0].cells[0] = table.targets[1].cells[1] = {{70, 0.5, 0, 1}};  // of the dense layer
  CHECK(describe_lost_lines(table, 0).empty());
  write_authors_thresholds(table, 0, dir.path("th.txt"));
  CHECK(file_text(dir.path("th.txt")).find("L0_") == std::string::npos);
  table.targets[1].cells[3][1].theta += 1;
  CHECK(describe_lost_lines(table, 0).ends_with(
      "differ in 1 head (the first: layer 1, head 1, with k = 8 under -k 16 and -k 4)"));
  CHECK(describe_lost_lines(table, 4).empty());
}
