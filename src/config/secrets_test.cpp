#include "config/secrets.h"

#include <gtest/gtest.h>

#include "config/toml.h"

namespace leat {
namespace {

Result<std::string> lookup(const std::string& scheme, const std::string& name) {
  if (scheme == "env" && name == "USER") return std::string("s3cret");
  if (scheme == "file" && name == "/run/p") return std::string("fr\"om\nfile");
  return Status::bad_config("there is no such thing");
}

struct Put {
  Value root;
  std::string errors;
};

Put put(const std::string& text) {
  Complaints complaints("f.toml", text);
  Value root = parse_toml(text, complaints);
  put_secrets(root, lookup, complaints);
  return {std::move(root), complaints.text()};
}

TEST(Secrets, ArePutIntoParsedTexts) {
  const Put p = put("a = 'x${env:USER}y${file:/run/p}'\nb = ['${env:USER}']\n");
  EXPECT_EQ(p.errors, "");
  EXPECT_EQ(p.root.find("a")->text,
            "xs3crety"
            "fr\"om\nfile");
  EXPECT_EQ(p.root.find("b")->items.at(0).text, "s3cret");
}

TEST(Secrets, AreNeverShown) {
  const Put p = put("a = '${env:USER}'\n");
  EXPECT_EQ(shown(*p.root.find("a")), "'${env:USER}'");
}

TEST(Secrets, AMissingOneNamesTheVariable) {
  EXPECT_EQ(put("a = '${env:NOPE}'").errors,
            "f.toml:1:5: ${env:NOPE}: there is no such thing\n  a = '${env:NOPE}'\n      ^~~~~~~~~~~~~");
  EXPECT_EQ(put("a = '${NOPE}'").errors,
            "f.toml:1:5: '${NOPE}' is neither ${env:NAME} nor ${file:/path}; a plain ${ is written $${\n"
            "  a = '${NOPE}'\n      ^~~~~~~~~");
}

TEST(Secrets, APlainOneCanBeWritten) {
  const Put p = put("a = '$${env:USER} $x $'\n");
  EXPECT_EQ(p.errors, "");
  EXPECT_EQ(p.root.find("a")->text, "${env:USER} $x $");
}

}  // namespace
}  // namespace leat
