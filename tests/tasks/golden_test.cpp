// Requests equal those of lm-evaluation-harness, character by character, on real data sets.
#include <algorithm>
#include <fstream>
#include <iostream>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/task_library.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

struct Golden {
  const char* name;  // of the golden file
  const char* data;  // under data/tasks
  std::int64_t few_shot = 0;
  const char* few_shot_file = "";
};

constexpr Golden kGoldens[] = {
    {"arc_easy", "arc_easy/arc_easy_test.jsonl"},
    {"arc_challenge", "arc_challenge/arc_challenge_test.jsonl"},
    {"openbookqa", "openbookqa/openbookqa_test.jsonl"},
    {"piqa", "piqa/piqa_valid_merged.jsonl"},
    {"hellaswag", "hellaswag/hellaswag_val_rubriks.jsonl"},
    {"winogrande", "winogrande/winogrande_validation.jsonl"},
    {"lambada", "lambada/lambada_test.jsonl"},
    {"native_arc_easy", "native/arc_easy_validation.jsonl"},
    {"native_arc_challenge", "native/arc_challenge_validation.jsonl"},
    {"native_openbookqa", "native/openbookqa_validation.jsonl"},
    {"native_social_iqa", "native/social_i_qa_validation.jsonl"},
    {"native_mmlu_anatomy", "native/mmlu_anatomy_test.jsonl", 5, "native/mmlu_anatomy_dev.jsonl"},
};

struct Request {
  std::string context;
  std::string continuation;
  bool operator==(const Request&) const = default;
};

std::vector<Request> requests_of(const Task& task, std::size_t index) {
  std::vector<Request> requests;
  if (const auto* list = std::get_if<std::vector<ContinuationExample>>(&task.examples))
    return {{(*list)[index].context, (*list)[index].continuation}};
  const auto& example = std::get<std::vector<MultipleChoiceExample>>(task.examples)[index];
  for (std::int64_t c = 0; c < example.num_choices(); ++c)
    requests.push_back({example.context(c), example.continuations[static_cast<std::size_t>(c)]});
  return requests;
}

// Number of lines compared.
std::int64_t compare(const Golden& golden, const Task& task) {
  std::ifstream file(shared_data() / "golden" / (std::string(golden.name) + ".jsonl"));
  std::int64_t compared = 0;
  for (std::string line; std::getline(file, line); ++compared) {
    const Json json = Json::parse(line);
    std::vector<Request> expected;
    for (const Json& request : json.at("requests"))
      expected.push_back({request.at("context"), request.at("continuation")});
    const auto found = requests_of(task, json.at("index").get<std::size_t>());
    INFO(golden.name << " line " << json.at("index"));
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].context == expected[i].context);
      CHECK(found[i].continuation == expected[i].continuation);
    }
  }
  return compared;
}

}  // namespace

TEST_CASE("requests equal lm-evaluation-harness's", "[golden]") {
  const std::filesystem::path data = shared_data() / "tasks";
  if (!std::filesystem::exists(shared_data() / "golden")) {
    std::cerr << "SKIPPED: requests equal lm-evaluation-harness's: no " << shared_data() / "golden"
              << "\n";
    return;
  }
  for (const Golden& golden : kGoldens) {
    TaskOptions options{.few_shot = golden.few_shot};
    const Task task = load_task(data / golden.data, shipped_tasks(), options);
    CHECK(compare(golden, task) >= 50);
    if (golden.few_shot == 0) continue;
    options.few_shot_file = data / golden.few_shot_file;
    CHECK(compare(golden, load_task(data / golden.data, shipped_tasks(), options)) >= 50);
  }
}

TEST_CASE("real files are recognised", "[golden]") {
  const std::filesystem::path data = shared_data() / "tasks";
  if (!std::filesystem::exists(data)) {
    std::cerr << "SKIPPED: real files are recognised: no " << data << "\n";
    return;
  }
  CHECK(load_task(data / "gsm8k/test.jsonl", shipped_tasks()).format == "gsm8k");
  CHECK(load_task(data / "humaneval/HumanEval.jsonl", shipped_tasks()).format == "humaneval");
  CHECK(load_task(data / "lambada/lambada_test.jsonl", shipped_tasks()).size() == 5153);
  CHECK(load_task(data / "wikitext2/wiki.test.raw", shipped_tasks()).size() == 1);
  CHECK(load_task(data / "wikitext2/wiki.test.raw", shipped_tasks(), {}, &shipped_task("wikitext")).size() ==
        62);
}

TEST_CASE("files that were once guessed wrong are read right, or refused", "[golden]") {
  const std::filesystem::path cases = shared_data().parent_path() / "cases" / "tasks";
  if (!std::filesystem::exists(cases)) {
    std::cerr << "SKIPPED: files that were once guessed wrong: no " << cases << "\n";
    return;
  }
  for (const char* name : {"corpus", "mbpp", "sentiment"})
    CHECK_THROWS_AS(load_task(cases / (std::string(name) + ".jsonl"), shipped_tasks()), InputError);
  CHECK(load_task(cases / "mmlu-letter.jsonl", shipped_tasks()).format == "mmlu");
  CHECK(load_task(cases / "mmlu-index.jsonl", shipped_tasks()).format == "mmlu");
  CHECK(load_task(cases / "mmlu-pro.jsonl", shipped_tasks()).format == "mmlu_pro");
  CHECK(load_task(cases / "race.jsonl", shipped_tasks()).format == "race");
}
