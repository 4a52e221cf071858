#include "theta/formats/json.hpp"

#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

nlohmann::json sample_json(const TempDir& dir) {
  write_json(sample_table(), 0, dir.path("t.json"));
  return nlohmann::json::parse(file_text(dir.path("t.json")));
}

// Where read_json complains, without the file's name.
std::string where_of_bad(const TempDir& dir, const std::string& text) {
  write_text(dir.path("bad.json"), text);
  const Problem problem = problem_of<InputError>([&] { read_json(dir.path("bad.json")); });
  CHECK(problem.where.find(dir.path("bad.json").string() + ":") == 0);
  return problem.where.substr(dir.path("bad.json").string().size() + 1);
}

}  // namespace

TEST_CASE("JSON keeps everything") {
  const TempDir dir;
  write_json(sample_table(), 0, dir.path("a.json"));
  check_same(read_json(dir.path("a.json")), sample_table());
  write_json(read_json(dir.path("a.json")), 0, dir.path("b.json"));
  CHECK(file_text(dir.path("a.json")) == file_text(dir.path("b.json")));
  write_json(sample_table(), 4, dir.path("one.json"));
  const ThresholdTable one = read_json(dir.path("one.json"));
  REQUIRE(one.targets.size() == 1);
  check_same(one.targets[0], sample_table().targets[1]);
}

TEST_CASE("JSON keeps rho and length bins, and writes neither where there is none") {
  const TempDir dir;
  write_json(sample_table_with_rho(), 0, dir.path("a.json"));
  check_same(read_json(dir.path("a.json")), sample_table_with_rho());
  const nlohmann::json json = nlohmann::json::parse(file_text(dir.path("a.json")));
  CHECK(json["targets"][0]["cells"][3]["rho"] == nlohmann::json::parse("[null, null, null]"));
  CHECK_FALSE(json["targets"][1]["cells"][0].contains("rho"));
  CHECK_FALSE(sample_json(dir)["targets"][0]["cells"][0].contains("rho"));
}

TEST_CASE("JSON keeps the laws for rho, and refuses those that are none") {
  const TempDir dir;
  write_json(sample_table_with_laws(), 0, dir.path("a.json"));
  check_same(read_json(dir.path("a.json")), sample_table_with_laws());
  const std::string text = file_text(dir.path("a.json"));
  const nlohmann::json json = nlohmann::json::parse(text);
  CHECK(json["targets"][0]["rho_law"][0] == nlohmann::json::parse("[null, null]"));
  CHECK(json["targets"][0]["rho_law"][1][0] == nlohmann::json::parse("[-0.5, 0.125, 1e-9]"));
  CHECK_FALSE(json["targets"][1].contains("rho_law"));
  const auto where_with = [&](const std::string& law) {
    nlohmann::json changed = json;
    changed["targets"][0]["rho_law"] = nlohmann::json::parse(law);
    return where_of_bad(dir, changed.dump());
  };
  CHECK(where_with("[[null, null], [null, null]]") == "targets[0].rho_law");
  CHECK(where_with("[[null, null], [null], [null, null]]") == "targets[0].rho_law[1]");
  CHECK(where_with("[[null, null], [null, [1, 2]], [null, null]]") == "targets[0].rho_law[1][1]");
  CHECK(where_with("[[null, null], [null, [1, 2, null]], [null, null]]") == "targets[0].rho_law[1][1][2]");
  CHECK(where_with("[[null, null], [null, 1], [null, null]]") == "targets[0].rho_law[1][1]");
}

TEST_CASE("JSON as documented") {
  const TempDir dir;
  const nlohmann::json json = sample_json(dir);
  CHECK(json["schema"] == "toptheta.thresholds/1");
  CHECK(json["meta"]["placement"] == "pre-softmax");
  CHECK(json["targets"][0]["layer_k"] == nlohmann::json::parse("[\"dense\", 8, 16]"));
  CHECK(json["targets"][1]["cells"][3]["sdc"] == nlohmann::json::parse("[null, null, null]"));
  CHECK(json["provenance"]["inputs"][0]["path"] == "a b.h5");
}

TEST_CASE("bad JSON is located") {
  const TempDir dir;
  const nlohmann::json good = sample_json(dir);
  CHECK(where_of_bad(dir, "").find("line 1, column 1") == 0);
  CHECK(where_of_bad(dir, file_text(dir.path("t.json")).substr(0, 700)).find("line ") == 0);
  write_text(dir.path("list.json"), "[]");
  CHECK(problem_of<InputError>([&] { read_json(dir.path("list.json")); }).where ==
        dir.path("list.json").string());
  CHECK(where_of_bad(dir, "{}") == "schema");
  CHECK(where_of_bad(dir, std::string(300000, '[')).find("[0][0]") == 0);

  const auto patched = [&](const char* pointer, const char* value) {
    nlohmann::json json = good;
    json[nlohmann::json::json_pointer(pointer)] = nlohmann::json::parse(value);
    return where_of_bad(dir, json.dump());
  };
  CHECK(patched("/schema", "\"toptheta.result/1\"") == "schema");
  CHECK(patched("/meta/num_layers", "0") == "meta.num_layers");
  CHECK(patched("/meta/num_layers", "99999999999999") == "meta.num_layers");
  CHECK(patched("/meta/num_heads", "4000000") == "meta.num_heads");
  CHECK(patched("/meta/num_heads", "2.5") == "meta.num_heads");
  CHECK(patched("/meta/num_kv_heads", "3") == "meta.num_kv_heads");
  CHECK(patched("/meta/placement", "\"middle\"") == "meta.placement");
  CHECK(patched("/meta/row_fraction", "0") == "meta.row_fraction");
  CHECK(patched("/provenance/seed", "-1") == "provenance.seed");
  CHECK(patched("/targets", "[]") == "targets");
  CHECK(patched("/targets/1/k", "16") == "targets[1].k");
  CHECK(patched("/targets/0/k", "0") == "targets[0].k");
  CHECK(patched("/targets/0/layer_k", "[1]") == "targets[0].layer_k");
  CHECK(patched("/targets/0/layer_k/1", "\"dens\"") == "targets[0].layer_k[1]");
  CHECK(patched("/targets/0/layer_k/1", "-1") == "targets[0].layer_k");
  CHECK(patched("/targets/0/cells/0/layer", "3") == "targets[0].cells[0]");
  CHECK(patched("/targets/0/cells/1/head", "0") == "targets[0].cells[1]");
  CHECK(patched("/targets/0/cells/0/theta/2", "null") == "targets[0].cells[0].theta[2]");
  CHECK(patched("/targets/0/cells/0/theta", "[1]") == "targets[0].cells[0].theta");
  CHECK(patched("/targets/0/cells/0/length/1", "18") == "targets[0].cells[0].length[1]");
  CHECK(patched("/targets/0/cells/0/length/0", "4294967300") == "targets[0].cells[0].length[0]");
  CHECK(patched("/targets/0/cells/0/count/0", "-1") == "targets[0].cells[0].count[0]");
  CHECK(patched("/targets/0/cells/0/rho", "[0.5, -1, null]") == "targets[0].cells[0].rho[1]");
  CHECK(patched("/targets/0/cells/0/weight", "[1]") == "targets[0].cells[0].weight");
  CHECK(patched("/meta/note", "1") == "meta.note");
  CHECK(patched("/targets/0/cells/0/std/0", "-1") == "targets[0].cells[0].std[0]");
}

TEST_CASE("JSON keeps the k of every head, under its own schema") {
  const TempDir dir;
  const ThresholdTable table = sample_table_by_head();
  write_json(table, 0, dir.path("t.json"));
  const std::string text = file_text(dir.path("t.json"));
  CHECK(text.starts_with("{\"schema\": \"toptheta.thresholds/2\""));
  CHECK(text.find("\"head_k\": [[3, 5], [\"dense\", 8]]") != std::string::npos);
  check_same(read_json(dir.path("t.json")), table);
  for (const auto& [bad, where] :
       std::vector<std::pair<std::string, std::string>>{{"[[3, 5]]", "head_k"},
                                                        {"[[3, 5], [8]]", "head_k[1]"},
                                                        {"[[3, 5], 8]", "head_k[1]"},
                                                        {"[[4, 5], [\"dense\", 8]]", "layer_k"},
                                                        {"[[0, 5], [\"dense\", 8]]", "head_k"}}) {
    std::string spoiled = text;
    const std::string good = "[[3, 5], [\"dense\", 8]]";
    spoiled.replace(spoiled.find(good), good.size(), bad);
    write_text(dir.path("bad.json"), spoiled);
    const Problem problem = problem_of<InputError>([&] { read_json(dir.path("bad.json")); });
    INFO(bad);
    CHECK(problem.where.ends_with(":targets[0]." + where));
  }
}
