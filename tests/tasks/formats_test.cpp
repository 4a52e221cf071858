#include "tasks/formats.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "tasks/hellaswag_text.hpp"

using namespace toptheta;
using nlohmann::json;
using Texts = std::vector<std::string>;

namespace {

ParsedExample parse(const json& line, std::string_view format) {
  const TaskFormat* found = recognise(line);
  REQUIRE(found != nullptr);
  CHECK(found->name == format);
  return found->parse(JsonField(line, "x.jsonl:7"));
}
MultipleChoiceExample parse_choice(const json& line, std::string_view format) {
  return std::get<MultipleChoiceExample>(parse(line, format).example);
}
GenerationExample parse_prompt(const json& line, std::string_view format) {
  return std::get<GenerationExample>(parse(line, format).example);
}

std::string where_refused(const json& line) {
  const TaskFormat* found = recognise(line);
  if (found == nullptr) return "not recognised";
  try {
    (void)found->parse(JsonField(line, "x.jsonl:7"));
  } catch (const InputError& error) {
    return error.problem().where;
  }
  return "accepted";
}

json with(json line, const char* field, const json& value) {
  line[field] = value;
  return line;
}
json without(json line, const char* field) {
  line.erase(field);
  return line;
}

const json kOwn = {{"context", "The sky is"}, {"choices", {" blue", "grün", "  red"}}, {"label", 1}};
const json kHellaSwag = {{"activity_label", "Removing ice"},
                         {"ctx_a", "[header] How to clean [title] Begin. [step] A man  is seen"},
                         {"ctx_b", "then HE"},
                         {"ctx", "unused"},
                         {"endings", {"scrapes [substeps] it.", "sings a song.", "é", "eats."}},
                         {"label", "3"}};
const json kArcNested = {
    {"id", "Q1"},
    {"question",
     {{"stem", "Which is hot?"},
      {"choices", {{{"text", "ice"}, {"label", "A"}}, {{"text", "fire"}, {"label", "B"}}}}}},
    {"answerKey", "B"}};
const json kArcFlat = {{"question", "Which is hot?"},
                       {"choices", {{"text", {"ice", "fire", "snow"}}, {"label", {"1", "2", "3"}}}},
                       {"answerKey", "3"}};
const json kPiqa = {{"goal", "To cut"}, {"sol1", "use a knife"}, {"sol2", "use a spoon"}, {"label", 0}};
const json kWinoGrande = {{"sentence", "Ann met Bea because _ was late ."},
                          {"option1", "Ann"},
                          {"option2", "Bea"},
                          {"answer", "2"}};
const json kBoolQ = {{"question", "is water wet"}, {"passage", "Water is wet."}, {"answer", true}};
const json kLambada = {{"text", "He opened the old door"}};
const json kGeneration = {{"prompt", "2 + 2 ="}, {"answer", "4"}, {"stop", {"."}}, {"max_new_tokens", 8}};
const json kGsm8k = {{"question", "How many?"}, {"answer", "Two and two.\n#### 4"}};
const json kHumanEval = {{"task_id", "HumanEval/0"},
                         {"prompt", "def f():\n"},
                         {"entry_point", "f"},
                         {"canonical_solution", "    return 1\n"},
                         {"test", "check"}};

}  // namespace

TEST_CASE("own multiple choice", "[formats]") {
  const auto example = parse_choice(kOwn, "multiple choice");
  CHECK(example.contexts == Texts{"The sky is"});
  CHECK(example.continuations == Texts{" blue", " grün", "  red"});
  CHECK(example.lengths == std::vector<std::int64_t>{4, 4, 3});
  CHECK(example.label == 1);
  CHECK(parse(kOwn, "multiple choice").solved == "The sky is grün");
  // White space at the end of the context, or no context at all, needs no more.
  CHECK(parse_choice(with(kOwn, "context", "It is\n"), "multiple choice").continuations ==
        Texts{" blue", "grün", "  red"});
  CHECK(parse_choice(with(kOwn, "context", ""), "multiple choice").continuations ==
        Texts{" blue", "grün", "  red"});
}

TEST_CASE("own multiple choice, refused", "[formats]") {
  CHECK(where_refused(without(kOwn, "label")) == "x.jsonl:7: label");
  CHECK(where_refused(with(kOwn, "label", 3)) == "x.jsonl:7: label");
  CHECK(where_refused(with(kOwn, "label", -1)) == "x.jsonl:7: label");
  CHECK(where_refused(with(kOwn, "label", 1.0)) == "x.jsonl:7: label");
  CHECK(where_refused(with(kOwn, "label", "1")) == "x.jsonl:7: label");
  CHECK(where_refused(with(kOwn, "label", UINT64_MAX)) == "x.jsonl:7: label");
  CHECK(where_refused(with(kOwn, "choices", {"only"})) == "x.jsonl:7: choices");
  CHECK(where_refused(with(kOwn, "choices", json::array())) == "x.jsonl:7: choices");
  CHECK(where_refused(with(kOwn, "choices", "no list")) == "x.jsonl:7: choices");
  CHECK(where_refused(with(kOwn, "choices", {"a", " "})) == "x.jsonl:7: choices[1]");
  CHECK(where_refused(with(kOwn, "choices", {"a", 5})) == "x.jsonl:7: choices[1]");
  CHECK(where_refused(with(kOwn, "context", 5)) == "x.jsonl:7: context");
}

TEST_CASE("HellaSwag is tidied as the harness does", "[formats]") {
  const auto example = parse_choice(kHellaSwag, "HellaSwag");
  CHECK(example.contexts == Texts{"Removing ice: How to clean. Begin. A man is seen Then he"});
  CHECK(example.continuations == Texts{" scrapes it.", " sings a song.", " é", " eats."});
  CHECK(example.lengths == std::vector<std::int64_t>{11, 13, 1, 5});
  CHECK(example.label == 3);
  CHECK(parse_choice(with(kHellaSwag, "label", 0), "HellaSwag").label == 0);
  CHECK(where_refused(with(kHellaSwag, "label", "")) == "x.jsonl:7: label");  // the test split has no labels
  CHECK(where_refused(with(kHellaSwag, "label", "4")) == "x.jsonl:7: label");
  CHECK(where_refused(without(kHellaSwag, "ctx_b")) == "x.jsonl:7: ctx_b");
  CHECK(where_refused(with(kHellaSwag, "endings", {"a", "[step]"})) == "x.jsonl:7: endings[1]");
}

TEST_CASE("HellaSwag's text rules", "[formats]") {
  CHECK(capitalized("").empty());
  CHECK(capitalized("éCOLE Über\nX") == "École über\nx");
  CHECK(capitalized("the USA.") == "The usa.");
  CHECK(without_wikihow_marks(" a [x] b [y ") == "a b [y");
  CHECK(without_wikihow_marks("a [b\nc] d") == "a [b\nc] d");  // brackets do not reach over lines
  CHECK(without_wikihow_marks("a    b") == "a  b");            // one pass over pairs of spaces
  CHECK(without_wikihow_marks("[a [b] c]") == " c]");
  CHECK(without_wikihow_marks(std::string(200'000, '[')).size() == 200'000);
}

TEST_CASE("ARC, nested and flat", "[formats]") {
  const auto nested = parse_choice(kArcNested, "ARC");
  CHECK(nested.contexts == Texts{"Question: Which is hot?\nAnswer:"});
  CHECK(nested.continuations == Texts{" ice", " fire"});
  CHECK(nested.label == 1);
  CHECK(parse(kArcNested, "ARC").solved == "Question: Which is hot?\nAnswer: fire");
  const auto flat = parse_choice(kArcFlat, "ARC");
  CHECK(flat.contexts == nested.contexts);
  CHECK(flat.continuations == Texts{" ice", " fire", " snow"});
  CHECK(flat.lengths == std::vector<std::int64_t>{3, 4, 4});
  CHECK(flat.label == 2);
}

TEST_CASE("ARC, refused", "[formats]") {
  CHECK(where_refused(with(kArcNested, "answerKey", "C")) == "x.jsonl:7: answerKey");
  json nested = kArcNested;
  nested["question"].erase("stem");
  CHECK(where_refused(nested) == "x.jsonl:7: question.stem");
  nested = kArcNested;
  nested["question"]["choices"][1].erase("label");
  CHECK(where_refused(nested) == "x.jsonl:7: question.choices[1].label");
  json flat = kArcFlat;
  flat["choices"]["label"].erase(2);
  CHECK(where_refused(flat) == "x.jsonl:7: choices");
  CHECK(where_refused(without(kArcFlat, "choices")) == "x.jsonl:7: choices");
}

TEST_CASE("PIQA", "[formats]") {
  const auto example = parse_choice(kPiqa, "PIQA");
  CHECK(example.contexts == Texts{"Question: To cut\nAnswer:"});
  CHECK(example.continuations == Texts{" use a knife", " use a spoon"});
  CHECK(example.label == 0);
  CHECK(where_refused(with(kPiqa, "label", 2)) == "x.jsonl:7: label");
  CHECK(where_refused(with(kPiqa, "label", -1)) == "x.jsonl:7: label");
  CHECK(where_refused(with(kPiqa, "sol2", "")) == "x.jsonl:7: sol2");
}

TEST_CASE("WinoGrande scores the rest of the sentence after each option", "[formats]") {
  const auto example = parse_choice(kWinoGrande, "WinoGrande");
  CHECK(example.contexts == Texts{"Ann met Bea because Ann", "Ann met Bea because Bea"});
  CHECK(example.continuations == Texts{" was late .", " was late ."});
  CHECK(example.context(1) == "Ann met Bea because Bea");
  CHECK(example.label == 1);
  CHECK(parse(kWinoGrande, "WinoGrande").solved == "Ann met Bea because Bea was late .");
  CHECK(where_refused(with(kWinoGrande, "answer", "")) == "x.jsonl:7: answer");
  CHECK(where_refused(with(kWinoGrande, "answer", "0")) == "x.jsonl:7: answer");
  CHECK(where_refused(with(kWinoGrande, "sentence", "no blank")) == "x.jsonl:7: sentence");
  CHECK(where_refused(with(kWinoGrande, "sentence", "it ends with _ ")) == "x.jsonl:7: sentence");
}

TEST_CASE("BoolQ, with either way of giving the answer", "[formats]") {
  const auto example = parse_choice(kBoolQ, "BoolQ");
  CHECK(example.contexts == Texts{"Water is wet.\nQuestion: is water wet?\nAnswer:"});
  CHECK(example.continuations == Texts{" no", " yes"});
  CHECK(example.label == 1);
  CHECK(parse_choice(with(without(kBoolQ, "answer"), "label", 0), "BoolQ").label == 0);
  CHECK(where_refused(without(kBoolQ, "answer")) == "x.jsonl:7: answer");
  CHECK(where_refused(with(kBoolQ, "answer", "yes")) == "x.jsonl:7: answer");
}

TEST_CASE("LAMBADA continues with the last word", "[formats]") {
  const auto example = std::get<ContinuationExample>(parse(kLambada, "LAMBADA").example);
  CHECK(example.context == "He opened the old");
  CHECK(example.continuation == " door");
  CHECK(where_refused(with(kLambada, "text", "")) == "x.jsonl:7: text");
  CHECK(where_refused(with(kLambada, "text", "word")) == "x.jsonl:7: text");
  CHECK(where_refused(with(kLambada, "text", "two words ")) == "x.jsonl:7: text");
}

TEST_CASE("own generation", "[formats]") {
  const auto example = parse_prompt(kGeneration, "generation");
  CHECK(example.prompt == "2 + 2 =");
  CHECK(example.answer == "4");
  CHECK(example.stop == Texts{"."});
  CHECK(example.max_new_tokens == 8);
  CHECK(example.rule == AnswerRule::stripped);
  CHECK(parse(kGeneration, "generation").solved == "2 + 2 = 4");
  CHECK(parse_prompt(without(without(kGeneration, "stop"), "max_new_tokens"), "generation").max_new_tokens ==
        256);
  CHECK(where_refused(with(kGeneration, "prompt", " ")) == "x.jsonl:7: prompt");
  CHECK(where_refused(with(kGeneration, "answer", 4)) == "x.jsonl:7: answer");
  CHECK(where_refused(with(kGeneration, "max_new_tokens", 0)) == "x.jsonl:7: max_new_tokens");
  CHECK(where_refused(with(kGeneration, "stop", {"a", ""})) == "x.jsonl:7: stop[1]");
}

TEST_CASE("GSM8K and HumanEval", "[formats]") {
  const auto math = parse_prompt(kGsm8k, "GSM8K");
  CHECK(math.prompt == "Question: How many?\nAnswer:");
  CHECK(math.rule == AnswerRule::gsm8k);
  CHECK(parse(kGsm8k, "GSM8K").solved == "Question: How many?\nAnswer: Two and two.\n#### 4");
  const auto code = parse_prompt(kHumanEval, "HumanEval");
  CHECK(code.id == "HumanEval/0");
  CHECK(code.prompt == "def f():\n");
  CHECK(code.rule == AnswerRule::none);
  CHECK(code.stop.front() == "\nclass");
  CHECK(where_refused(without(kHumanEval, "task_id")) == "x.jsonl:7: task_id");
}

TEST_CASE("fields that fit nothing are not guessed at", "[formats]") {
  CHECK(recognise(json{{"input", "a"}, {"output", "b"}}) == nullptr);
  CHECK(recognise(json::object()) == nullptr);
}
