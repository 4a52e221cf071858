#include "sweep/cells.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"
#include "sweep/read_cells.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

std::string cell_with(const std::string& command, const std::string& kept = "0.5") {
  return fmt::format(R"({{"schema": "toptheta.result/1", "model": {{"sha256": "m"}},
    "provenance": {{"seed": 3, "command": "{}"}}, "runs": [{{"policy": {{"attention": "dense", "layer_k": []}},
    "task": {{"name": "quiz", "sha256": "1", "examples": 2}}, "metrics": {{"acc": {{"value": 0.5}}}},
    "samples": {{"acc": [0, 1]}}, "sparsity": {{"phase": "prefill", "kept_elements": {}}}}}]}})",
                     command, kept);
}

}  // namespace

TEST_CASE("cells that sweep.json lists in vain, and cells that it does not list, are named", "[sweep]") {
  const TempDir dir;
  std::filesystem::create_directories(dir.path("cells"));
  write_text(dir.path("cells/a.json"), cell_with("tt-eval run -k 1"));
  CHECK(describe_cells(dir.root()).empty());
  write_text(dir.path("sweep.json"), R"({"cells": ["a"]})");
  CHECK(describe_cells(dir.root()).empty());
  write_text(dir.path("sweep.json"), R"({"cells": ["b", "c", "d"]})");
  write_text(dir.path("cells/d.json"), cell_with("tt-eval run -k 2"));
  const std::string place = dir.root().string();
  CHECK(describe_cells(dir.root()) ==
        std::vector<std::string>{place + ": 2 of 3 cells that sweep.json lists are missing (the first: b)",
                                 place + ": 1 of 2 cells are not in sweep.json (the first: a)"});
  write_text(dir.path("sweep.json"), "{");
  CHECK_THROWS_AS(describe_cells(dir.root()), InputError);
}

TEST_CASE("a cell that was copied under another name is refused", "[sweep]") {
  const TempDir dir;
  std::filesystem::create_directories(dir.path("cells"));
  write_text(dir.path("cells/a.json"), cell_with("tt-eval run -k 1"));
  write_text(dir.path("cells/b.json"), cell_with("tt-eval run -k 2"));
  CHECK(read_results(dir.root()).size() == 2);
  write_text(dir.path("cells/c.json"), cell_with("tt-eval run -k 1"));
  CHECK(problem_of<InputError>([&] { (void)read_results(dir.root()); }).what ==
        "a.json and c.json both hold the result of one command");
}

TEST_CASE("a figure that is a text, and samples of another number of examples, are refused", "[sweep]") {
  const TempDir dir;
  const auto refused = [&dir](const std::string& text) {
    write_text(dir.path("r.json"), text);
    const std::string where = problem_of<InputError>([&] { (void)read_results(dir.path("r.json")); }).where;
    return where.substr(dir.path("r.json").string().size());
  };
  CHECK(refused(cell_with("x", "\"0.1\"")) == ":runs[0].sparsity.kept_elements");
  CHECK(refused(cell_with("x", "1.5")) == ":runs[0].sparsity.kept_elements");
  std::string more = cell_with("x");
  more.replace(more.find("\"examples\": 2"), 13, "\"examples\": 3");
  CHECK(refused(more) == ":runs[0].samples.acc");
}
