#include "cli/world.hpp"

#include <fstream>
#include <sstream>

#include "dump/dump_file.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

namespace toptheta::testing {

namespace {

void write_model(const std::filesystem::path& directory, std::int64_t layers) {
  TinyLlama model;
  model.layers = layers;
  model.vocab = 258;  // 256 bytes, <|bos|>, <|eos|>
  model.more_config = {{"bos_token_id", 256}, {"eos_token_id", 257}};
  model.fill_tensors();
  model.write(directory);
  std::ofstream(directory / "tokenizer.json") << byte_level_json({}).dump();
}

// The program, and its arguments.
std::pair<std::string, std::vector<std::string>> words_of(const std::string& command) {
  std::istringstream stream(command);
  std::vector<std::string> words;
  for (std::string word; stream >> word;)
    words.push_back(word);
  return {words.front(), {words.begin() + 1, words.end()}};
}

}  // namespace

World::World() {
  write_model(path("model"), 2);
  write_model(path("other-model"), 3);
  write("a.txt", "The cat sat on the mat, and the dog sat on the cat. Then it rained.\n");
  write("b.txt", "One, two, three, four; a short text that has been calibrated on.\n");
  write("quiz.jsonl", R"({"context": "The sky is", "choices": ["blue", "square"], "label": 0})"
                      "\n"
                      R"({"context": "Water is", "choices": ["dry", "wet", "loud"], "label": 1})"
                      "\n");
  write_dump(path("dump.h5"), {});
}

void World::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name)) << text;
}

void World::copy_model(const std::string& name) const {
  std::filesystem::copy(path("model"), path(name), std::filesystem::copy_options::recursive);
}

Outcome World::run(const std::string& command, const std::filesystem::path& out_path) const {
  const auto [program, arguments] = words_of(command);
  return run_program(program, arguments, dir_.root(), out_path);
}

std::unique_ptr<RunningProgram> World::start(const std::string& command) const {
  const auto [program, arguments] = words_of(command);
  return std::make_unique<RunningProgram>(program, arguments, dir_.root());
}

std::string World::output(const std::string& command) const {
  const Outcome outcome = run(command);
  INFO(command << "\n" << outcome.err);
  REQUIRE(outcome.status == 0);
  return outcome.out;
}

}  // namespace toptheta::testing
