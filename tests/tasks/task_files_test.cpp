// The task files that come with the program, on lines of their data sets.
#include "tasks/example.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/task_library.hpp"
#include "tasks/hellaswag_text.hpp"

using namespace toptheta;
using namespace toptheta::testing;
using nlohmann::json;
using Texts = std::vector<std::string>;

namespace {

ParsedExample parse(const json& fields, std::string_view task) {
  const JsonValue line = json_value(fields, "x.jsonl:7");
  const TaskMatch match = recognise(line, shipped_tasks(), "x.jsonl");
  CHECK(match.task->name == task);
  return parse_example(match, line, {.solved = true});
}
ParsedExample parse_named(const json& fields, std::string_view task) {
  const JsonValue line = json_value(fields, "x.jsonl:7");
  return parse_example(fit_named(line, shipped_task(task)), line, {.solved = true});
}
MultipleChoiceExample parse_choice(const json& line, std::string_view task) {
  return std::get<MultipleChoiceExample>(parse(line, task).example);
}
GenerationExample parse_prompt(const json& line, std::string_view task) {
  return std::get<GenerationExample>(parse(line, task).example);
}

// Where a line is refused; "not recognised" where no task file fits.
std::string where_refused(const json& fields) {
  const JsonValue line = json_value(fields, "x.jsonl:7");
  TaskMatch match;
  try {
    match = recognise(line, shipped_tasks(), "x.jsonl");
  } catch (const InputError&) {
    return "not recognised";
  }
  try {
    (void)parse_example(match, line, {.solved = true});
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

TEST_CASE("own multiple choice", "[task-files]") {
  const auto example = parse_choice(kOwn, "multiple-choice");
  CHECK(example.contexts == Texts{"The sky is"});
  CHECK(example.continuations == Texts{" blue", " grün", "  red"});
  CHECK(example.lengths == std::vector<std::int64_t>{4, 4, 3});
  CHECK(example.label == 1);
  CHECK(parse(kOwn, "multiple-choice").solved == "The sky is grün");
  // White space at the end of the context, or no context at all, needs no more.
  CHECK(parse_choice(with(kOwn, "context", "It is\n"), "multiple-choice").continuations ==
        Texts{" blue", "grün", "  red"});
  CHECK(parse_choice(with(kOwn, "context", ""), "multiple-choice").continuations ==
        Texts{" blue", "grün", "  red"});
}

TEST_CASE("own multiple choice, refused", "[task-files]") {
  CHECK(where_refused(without(kOwn, "label")) == "not recognised");
  CHECK(where_refused(with(kOwn, "label", 3)) == "x.jsonl:7:label");
  CHECK(where_refused(with(kOwn, "label", -1)) == "x.jsonl:7:label");
  CHECK(where_refused(with(kOwn, "label", 1.0)) == "x.jsonl:7:label");
  CHECK(where_refused(with(kOwn, "label", "b")) == "x.jsonl:7:label");
  CHECK(where_refused(with(kOwn, "label", UINT64_MAX)) == "x.jsonl:7:label");
  CHECK(where_refused(with(kOwn, "choices", {"only"})) == "x.jsonl:7:choices");
  CHECK(where_refused(with(kOwn, "choices", json::array())) == "x.jsonl:7:choices");
  CHECK(where_refused(with(kOwn, "choices", "no list")) == "not recognised");
  CHECK(where_refused(with(kOwn, "choices", {"a", " "})) == "x.jsonl:7:choices[1]");
  CHECK(where_refused(with(kOwn, "choices", {"a", 0.5})) == "x.jsonl:7:choices[1]");
}

TEST_CASE("HellaSwag is tidied as the harness does", "[task-files]") {
  const auto example = parse_choice(kHellaSwag, "hellaswag");
  CHECK(example.contexts == Texts{"Removing ice: How to clean. Begin. A man is seen Then he"});
  CHECK(example.continuations == Texts{" scrapes it.", " sings a song.", " é", " eats."});
  CHECK(example.lengths == std::vector<std::int64_t>{11, 13, 1, 5});
  CHECK(example.label == 3);
  CHECK(parse_choice(with(kHellaSwag, "label", 0), "hellaswag").label == 0);
  CHECK(where_refused(with(kHellaSwag, "label", "")) == "x.jsonl:7:label");  // the test split has no labels
  CHECK(where_refused(with(kHellaSwag, "label", "4")) == "x.jsonl:7:label");
  CHECK(where_refused(without(kHellaSwag, "ctx_b")) == "not recognised");
  CHECK(where_refused(with(kHellaSwag, "endings", {"a", "[step]"})) == "x.jsonl:7:endings[1]");
}

TEST_CASE("HellaSwag's text rules", "[task-files]") {
  CHECK(capitalized("").empty());
  CHECK(capitalized("éCOLE Über\nX") == "École über\nx");
  CHECK(capitalized("the USA.") == "The usa.");
  CHECK(without_wikihow_marks(" a [x] b [y ") == "a b [y");
  CHECK(without_wikihow_marks("a [b\nc] d") == "a [b\nc] d");  // brackets do not reach over lines
  CHECK(without_wikihow_marks("a    b") == "a  b");            // one pass over pairs of spaces
  CHECK(without_wikihow_marks("[a [b] c]") == " c]");
  CHECK(without_wikihow_marks(std::string(200'000, '[')).size() == 200'000);
}

TEST_CASE("ARC, nested and flat", "[task-files]") {
  const auto nested = parse_choice(kArcNested, "arc");
  CHECK(nested.contexts == Texts{"Question: Which is hot?\nAnswer:"});
  CHECK(nested.continuations == Texts{" ice", " fire"});
  CHECK(nested.label == 1);
  CHECK(parse(kArcNested, "arc").solved == "Question: Which is hot?\nAnswer: fire");
  const auto flat = parse_choice(kArcFlat, "arc");
  CHECK(flat.contexts == nested.contexts);
  CHECK(flat.continuations == Texts{" ice", " fire", " snow"});
  CHECK(flat.lengths == std::vector<std::int64_t>{3, 4, 4});
  CHECK(flat.label == 2);
}

TEST_CASE("ARC, refused", "[task-files]") {
  CHECK(where_refused(with(kArcNested, "answerKey", "C")) == "x.jsonl:7:answerKey");
  json nested = kArcNested;
  nested["question"].erase("stem");
  CHECK(where_refused(nested) == "not recognised");
  nested = kArcNested;
  nested["question"]["choices"][1].erase("label");
  CHECK(where_refused(nested) == "not recognised");
  json flat = kArcFlat;
  flat["choices"]["label"].erase(2);
  CHECK(where_refused(flat) == "x.jsonl:7:choices.label[0]");
  CHECK(where_refused(without(kArcFlat, "choices")) == "not recognised");
}

TEST_CASE("PIQA", "[task-files]") {
  const auto example = parse_choice(kPiqa, "piqa");
  CHECK(example.contexts == Texts{"Question: To cut\nAnswer:"});
  CHECK(example.continuations == Texts{" use a knife", " use a spoon"});
  CHECK(example.label == 0);
  CHECK(where_refused(with(kPiqa, "label", 2)) == "x.jsonl:7:label");
  CHECK(where_refused(with(kPiqa, "label", -1)) == "x.jsonl:7:label");
  CHECK(where_refused(with(kPiqa, "sol2", "")) == "x.jsonl:7:sol2");
}

TEST_CASE("WinoGrande scores the rest of the sentence after each option", "[task-files]") {
  const auto example = parse_choice(kWinoGrande, "winogrande");
  CHECK(example.contexts == Texts{"Ann met Bea because Ann", "Ann met Bea because Bea"});
  CHECK(example.continuations == Texts{" was late .", " was late ."});
  CHECK(example.context(1) == "Ann met Bea because Bea");
  CHECK(example.label == 1);
  CHECK(parse(kWinoGrande, "winogrande").solved == "Ann met Bea because Bea was late .");
  CHECK(where_refused(with(kWinoGrande, "answer", "")) == "x.jsonl:7:answer");
  CHECK(where_refused(with(kWinoGrande, "answer", "0")) == "x.jsonl:7:answer");
  CHECK(where_refused(with(kWinoGrande, "sentence", "no blank")) == "x.jsonl:7:sentence");
  CHECK(where_refused(with(kWinoGrande, "sentence", "it ends with _ ")) == "x.jsonl:7:sentence");
}

TEST_CASE("BoolQ, with either way of giving the answer", "[task-files]") {
  const auto example = parse_choice(kBoolQ, "boolq");
  CHECK(example.contexts == Texts{"Water is wet.\nQuestion: is water wet?\nAnswer:"});
  CHECK(example.continuations == Texts{" no", " yes"});
  CHECK(example.label == 1);
  CHECK(parse_choice(with(without(kBoolQ, "answer"), "label", 0), "boolq").label == 0);
  CHECK(where_refused(without(kBoolQ, "answer")) == "not recognised");
  CHECK(where_refused(with(kBoolQ, "answer", "yes")) == "x.jsonl:7:answer");
}

TEST_CASE("LAMBADA continues with the last word", "[task-files]") {
  const auto example = std::get<ContinuationExample>(parse(kLambada, "lambada").example);
  CHECK(example.context == "He opened the old");
  CHECK(example.continuation == " door");
  for (const char* text : {"", "word", "two words ", "A sentence that ends.", "Why? Because!\n"})
    CHECK(where_refused(with(kLambada, "text", text)) == "not recognised");
  CHECK(parse(with(kLambada, "text", "`` no , '' said the man . `` i 'll go and fetch o'neill"), "lambada")
            .solved == "`` no , '' said the man . `` i 'll go and fetch o'neill");
}

TEST_CASE("own generation", "[task-files]") {
  const auto example = parse_prompt(kGeneration, "generation");
  CHECK(example.prompt == "2 + 2 =");
  CHECK(example.answer == "4");
  CHECK(example.stop == Texts{"."});
  CHECK(example.max_new_tokens == 8);
  CHECK(parse(kGeneration, "generation").solved == "2 + 2 = 4");
  CHECK(parse_prompt(without(without(kGeneration, "stop"), "max_new_tokens"), "generation").max_new_tokens ==
        256);
  CHECK(where_refused(with(kGeneration, "prompt", " ")) == "x.jsonl:7:prompt");
  CHECK(where_refused(with(kGeneration, "answer", 4.5)) == "x.jsonl:7:answer");
  CHECK(where_refused(with(kGeneration, "max_new_tokens", 0)) == "x.jsonl:7:max_new_tokens");
  CHECK(where_refused(with(kGeneration, "stop", {"a", ""})) == "x.jsonl:7:stop[1]");
}

TEST_CASE("GSM8K and HumanEval", "[task-files]") {
  const auto math = parse_prompt(kGsm8k, "gsm8k");
  CHECK(math.prompt == "Question: How many?\nAnswer:");
  CHECK(shipped_task("gsm8k").answer->matches.size() == 2);
  CHECK(parse(kGsm8k, "gsm8k").solved == "Question: How many?\nAnswer: Two and two.\n#### 4");
  const auto code = parse_prompt(kHumanEval, "humaneval");
  CHECK(code.id == "HumanEval/0");
  CHECK(code.prompt == "def f():\n");
  CHECK(shipped_task("humaneval").answer->matches.empty());
  CHECK(code.stop.front() == "\nclass");
  CHECK(where_refused(without(kHumanEval, "task_id")) == "not recognised");
}

TEST_CASE("fields that fit nothing, or contradict, are not guessed at", "[task-files]") {
  const json mmlu = {{"question", "2+2?"}, {"choices", {"3", "4"}}, {"answer", "B"}};
  CHECK(where_refused(json{{"input", "a"}, {"output", "b"}}) == "not recognised");
  CHECK(where_refused(json::object()) == "not recognised");
  CHECK(where_refused(with(kLambada, "url", "http://x")) == "not recognised");
  CHECK(where_refused(with(kLambada, "label", 1)) == "not recognised");
  CHECK(where_refused(with(kLambada, "code", "def f()")) == "not recognised");
  CHECK(where_refused(with(kGsm8k, "options", {"3", "4"})) == "not recognised");
  CHECK(where_refused(with(kGsm8k, "context", "x")) == "not recognised");
  CHECK(where_refused(with(kGsm8k, "answer", "four")) == "not recognised");
  CHECK(where_refused(with(mmlu, "article", "x")) == "not recognised");
  CHECK(where_refused(with(mmlu, "note", "x")) == "accepted");
}

TEST_CASE("MMLU asks for a letter, whatever way the answer is given", "[task-files]") {
  const json line = {{"question", " Which? "}, {"choices", {"a", "b", "c"}}, {"answer", "C"}};
  const auto example = parse_choice(line, "mmlu");
  CHECK(example.contexts == Texts{"Which?\nA. a\nB. b\nC. c\nAnswer:"});
  CHECK(example.continuations == Texts{" A", " B", " C"});
  CHECK(example.label == 2);
  CHECK(parse_choice(with(line, "answer", 1), "mmlu").label == 1);
  CHECK(where_refused(with(line, "answer", 3)) == "x.jsonl:7:answer");
  CHECK(where_refused(with(line, "answer", "1")) == "x.jsonl:7:answer");  // from 0 or from 1?
  CHECK(parse(with(line, "subject", "high_school_physics"), "mmlu").description ==
        "The following are multiple choice questions (with answers) about high school physics.\n\n");
  CHECK(parse(line, "mmlu").description.empty());
}

TEST_CASE("the other data sets, a line of each", "[task-files]") {
  const json sciq = {{"question", "Hot?"},   {"distractor1", "ice"},     {"distractor2", "snow"},
                     {"distractor3", "fog"}, {"correct_answer", "fire"}, {"support", " Fire burns."}};
  CHECK(parse(sciq, "sciq").solved == "Fire burns.\nQuestion: Hot?\nAnswer: fire");
  const json copa = {{"premise", "It rained. "},
                     {"choice1", "The road got wet."},
                     {"choice2", "I slept."},
                     {"question", "effect"},
                     {"label", 0},
                     {"idx", 3}};
  CHECK(parse(copa, "copa").solved == "It rained therefore  the road got wet.");
  CHECK(where_refused(with(copa, "question", "why")) == "x.jsonl:7:question");
  const json race = {
      {"article", "Tim slept."}, {"question", "Who slept?"}, {"options", {"Tim", "Tom"}}, {"answer", "A"}};
  CHECK(parse(race, "race").solved == "Article: Tim slept.\n\nWho slept? Tim");
  const json pro = {{"question", "2+2?"},
                    {"options", {"3", "4"}},
                    {"answer", "B"},
                    {"answer_index", 1},
                    {"cot_content", "A: x"}};
  const auto prompt = parse_named(pro, "mmlu_pro");
  CHECK(std::get<GenerationExample>(prompt.example).answer == "B");
  const json concept_line = {{"question", "Where? "},
                             {"question_concept", "place"},
                             {"choices", {{"label", {"A", "B"}}, {"text", {"here", "there"}}}},
                             {"answerKey", "B"}};
  CHECK(parse(concept_line, "commonsense_qa").solved == "Question: Where?\nA. here\nB. there\nAnswer: B");
  CHECK(parse_named(without(concept_line, "question_concept"), "commonsense_qa").solved ==
        parse(concept_line, "commonsense_qa").solved);
  CHECK(std::get<TextDocument>(parse(json{{"page", " = A = \n a @-@ b , c\n"}}, "wikitext").example).text ==
        " = A =\na-b, c\n");
}

TEST_CASE("a file's name chooses where fields do not tell", "[task-files]") {
  const json fields = {{"query", "Question: Why?\nAnswer:"}, {"choices", {"a", "b"}}, {"gold", 1}};
  const auto context_in = [&fields](const char* file) {
    const JsonValue line = json_value(fields, "x");
    const TaskMatch match = recognise(line, shipped_tasks(), file);
    return std::get<MultipleChoiceExample>(parse_example(match, line, {.solved = true}).example)
        .contexts.front();
  };
  CHECK(context_in("openbookqa_test.jsonl") == "Why?");
  CHECK(context_in("arc_easy.jsonl") == "Question: Why?\nAnswer:");
  CHECK(std::get<MultipleChoiceExample>(parse_named(fields, "openbookqa").example).contexts == Texts{"Why?"});
}
