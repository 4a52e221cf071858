#include "tokenizer/token_model.hpp"

#include "tokenizer/bpe.hpp"
#include "tokenizer/unigram.hpp"

namespace toptheta {

std::unique_ptr<TokenModel> TokenModel::parse(const JsonValue& field) {
  // Old files do not name the type, which then is BPE.
  const auto type = field.find("type");
  if (!type || type->text() == "BPE") return BpeModel::parse(field);
  if (type->text() == "Unigram") return UnigramModel::parse(field);
  type->fail("this model is not computed: WordPiece and WordLevel serve encoders, not decoders",
             "BPE or Unigram");
}

}  // namespace toptheta
