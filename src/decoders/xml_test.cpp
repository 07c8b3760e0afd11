#include "decoders/xml.h"

#include <gtest/gtest.h>

#include "tests/support/watched.h"
#include "tests/support/xml_rows.h"

namespace leat {
namespace {

using testing::take_xml;
using testing::watch_page;
using testing::Watched;
using testing::XmlTaken;

std::unique_ptr<Decoder> make(std::string record, std::vector<XmlColumn> columns = {}, XmlNamespaces namespaces = {}) {
  auto decoder = make_xml_decoder({std::move(record), std::move(columns), std::move(namespaces), true});
  EXPECT_TRUE(decoder.ok()) << decoder.status().message();
  return decoder.ok() ? *std::move(decoder) : nullptr;
}

XmlColumn column(std::string name, std::string path, Type type = Type::text) {
  XmlColumn made;
  made.name = std::move(name);
  made.path = std::move(path);
  made.type = type;
  return made;
}

XmlColumn repeated(std::string name, std::string path, XmlRepeated how, std::string separator = ",") {
  XmlColumn made = column(std::move(name), std::move(path), how == XmlRepeated::json ? Type::json : Type::text);
  made.repeated = how;
  made.separator = std::move(separator);
  return made;
}

std::string lines(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& line : all) text += line + "\n";
  return text;
}

// As the API sends it (facts of docs/formats/xml.md §1): a warning before the declaration, an external DOCTYPE,
// comments that keep the connection alive.
constexpr std::string_view kDetections =
    "<!-- WARNING: this is an evaluation -->\n"
    "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n"
    "<!DOCTYPE OUT SYSTEM \"https://example.com/out.dtd\" [ <!ENTITY a \"]>\"> <!-- ' --> ]>\n"
    "<!-- evaluation //-->\n"
    "<OUT><RESPONSE><DATETIME>2020-09-27T01:29:21Z</DATETIME>\n"
    "<HOST_LIST>\n"
    "<HOST><ID>6506432</ID><IP/><OS><![CDATA[A & B <x>]]></OS>\n"
    "<TAGS><TAG>red</TAG><TAG>blue</TAG></TAGS>\n"
    "<DETECTION_LIST><DETECTION id='1'><QID>38170</QID><RESULTS><![CDATA[line 1\n]] line 2]]></RESULTS><SSL>0</SSL>"
    "<STATUS>New &amp; &#x41;ctive</STATUS></DETECTION>\n"
    "<!-- keep-alive for OUT -->"
    "<DETECTION id=\"a&gt;b\"><QID><![CDATA[null]]></QID><RESULTS/><SSL> 1 </SSL><STATUS>Fixed</STATUS></DETECTION>"
    "</DETECTION_LIST></HOST>\n"
    "<HOST><ID>7</ID><DETECTION_LIST><DETECTION><QID>9</QID></DETECTION></DETECTION_LIST></HOST>\n"
    "</HOST_LIST><WARNING><CODE>1980</CODE><URL><![CDATA[https://x?a=1&b=2]]></URL></WARNING>\n"
    "</RESPONSE></OUT>\n<!-- CONFIDENTIAL //-->\n";

std::unique_ptr<Decoder> detections() {
  return make(
      "/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION",
      {column("host", "../../ID", Type::integer), column("os", "../../OS"),
       repeated("tags", "../../TAGS/TAG", XmlRepeated::join, " "), column("sent", "/OUT/RESPONSE/DATETIME", Type::time),
       column("id", "@id"), column("qid", "QID", Type::integer), column("results", "RESULTS"),
       column("ssl", "SSL", Type::boolean), column("status", "STATUS")});
}

constexpr std::string_view kDetectionRows =
    "host=6506432|os=A & B <x>|tags=red blue|sent=2020-09-27 01:29:21|id=1|qid=38170|results=line 1\n]] line 2|ssl=0|"
    "status=New & Active\n"
    "host=6506432|os=A & B <x>|tags=red blue|sent=2020-09-27 01:29:21|id=a>b|ssl=1|status=Fixed\n"
    "host=7|sent=2020-09-27 01:29:21|qid=9\n";

TEST(Xml, RecordsWithWhatStandsAroundThem) {
  const auto decoder = detections();
  const XmlTaken all = take_xml(*decoder, kDetections);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(lines(all.rows), kDetectionRows);
  EXPECT_EQ(lines(all.rejects), "");
  ASSERT_EQ(all.origins.size(), 3U);
  EXPECT_EQ(all.origins[0].line, 9U);
  EXPECT_EQ(all.origins[1].line, 11U);
  EXPECT_EQ(all.origins[2].offset, kDetections.find("<DETECTION><QID>9"));
  EXPECT_EQ(all.raws[2], "<DETECTION><QID>9</QID></DETECTION>");
}

TEST(Xml, CutAtEveryByteItIsTheSame) {
  const auto decoder = detections();
  const XmlTaken all = take_xml(*decoder, kDetections);
  for (size_t step = 1; step < 40; ++step) {
    for (const uint64_t most : {1, 4096}) {
      const XmlTaken pieces = take_xml(*decoder, kDetections, {.step = [&] { return step; }, .most_records = most});
      EXPECT_TRUE(pieces == all) << step << ": " << pieces.failure << "\n" << lines(pieces.rows);
      EXPECT_EQ(pieces.origins.size(), all.origins.size());
      for (size_t i = 0; i < pieces.origins.size(); ++i) {
        EXPECT_EQ(pieces.origins[i].offset, all.origins[i].offset);
        EXPECT_EQ(pieces.origins[i].line, all.origins[i].line);
      }
    }
  }
  for (size_t cut = 1; cut < kDetections.size(); ++cut) {
    size_t steps = 0;
    const XmlTaken two =
        take_xml(*decoder, kDetections, {.step = [&] { return steps++ == 0 ? cut : kDetections.size(); }});
    EXPECT_TRUE(two == all) << cut << ": " << two.failure;
  }
}

TEST(Xml, WhatEndsEarlyIsAnError) {
  const auto decoder = detections();
  const size_t closed = kDetections.find("</OUT>") + 6;
  for (size_t size = 0; size < kDetections.size(); ++size) {
    const XmlTaken taken = take_xml(*decoder, kDetections.substr(0, size));
    // Behind the document element only what was begun has to end.
    const std::string_view rest = size < closed ? std::string_view() : kDetections.substr(closed, size - closed);
    const bool whole = size >= closed && (rest.find('<') == std::string_view::npos || rest.ends_with("//-->") ||
                                          rest.ends_with("//-->\n"));
    EXPECT_EQ(taken.failure.empty(), whole) << kDetections.substr(0, size);
  }
  EXPECT_EQ(take_xml(*decoder, "").failure, "a.xml: is empty, which is no XML document");
  EXPECT_EQ(take_xml(*decoder, kDetections.substr(0, kDetections.find("</DETECTION_LIST>"))).failure,
            "a.xml:11: ends at byte 651 inside <DETECTION_LIST>: the document is not closed; its last bytes are ''");
}

TEST(Xml, RepeatedElements) {
  constexpr std::string_view file = "<a><b><t>1</t><t/><t>x \"y\"</t><u/><u k='v'>2</u></b><b><t>only</t></b><b/></a>";
  EXPECT_EQ(
      lines(take_xml(*make("/a/b",
                           {repeated("first", "t", XmlRepeated::first), repeated("all", "t", XmlRepeated::join, "; "),
                            repeated("list", "t", XmlRepeated::json), repeated("u", "u", XmlRepeated::json)}),
                     file)
                .rows),
      "first=1|all=1; x \"y\"|list=[\"1\",null,\"x \\\"y\\\"\"]|u=[null,{\"@k\":\"v\",\"#text\":\"2\"}]\n"
      "first=only|all=only|list=[\"only\"]\n\n");
  const XmlTaken refused = take_xml(*make("/a/b", {column("t", "t")}), file);
  EXPECT_EQ(lines(refused.rows), "t=only\n\n");
  EXPECT_EQ(lines(refused.rejects),
            "3 1 t: 't' is there more than once; say how to take it with repeated = \"first\", \"join\" or \"json\"\n");
}

TEST(Xml, TextIsWhatItMeans) {
  const auto text = [](std::string_view inside) {
    const XmlTaken taken = take_xml(*make("/a/b", {column("c", "c")}), fmt::format("<a><b><c>{}</c></b></a>", inside));
    return taken.failure + lines(taken.rows) + lines(taken.rejects);
  };
  EXPECT_EQ(text("one<!-- c -->two<![CDATA[<3>]]>&lt;&gt;&amp;&quot;&apos;&#65;&#x20AC;"), "c=onetwo<3><>&\"'A€\n");
  EXPECT_EQ(text("a\r\nb\rc"), "c=a\nb\nc\n");
  EXPECT_EQ(text("x<i>y<j/></i>z"), "c=xyz\n") << "the text of the elements in it belongs to it";
  EXPECT_EQ(text("gr\xC3\xBC\xC3\x9F \xFF"), "c=grüß \\xFF\n") << "bytes that are not UTF-8 stay visible";
  EXPECT_EQ(text("  "), "\n");
  EXPECT_EQ(text("null"), "\n");
  EXPECT_EQ(text("<![CDATA[null]]>"), "\n");
  EXPECT_EQ(text(" null"), "c= null\n");
  EXPECT_EQ(text("&nbsp;"),
            "3 1 c: unknown entity '&nbsp;': there are &amp; &lt; &gt; &quot; &apos; and numbers such as &#38;; those "
            "that a DOCTYPE declares are not read\n");
  EXPECT_EQ(text("a & b"), "3 1 c: '&' without ';' ('& b'); a '&' that is meant as text is written &amp;\n");
  EXPECT_EQ(text("&#0;"), "3 1 c: '&#0;' is no character of XML\n");
  EXPECT_EQ(text("&#xD800;"), "3 1 c: '&#xD800;' is no character of XML\n");
  EXPECT_EQ(text("a\x01"), "3 1 c: the control character '\\x01' is none of XML's\n");
  EXPECT_EQ(text("a]]>b"), "3 1 c: ']]>' stands in a text; it is written ]]&gt;\n");
}

TEST(Xml, AValueThatDoesNotFitIsAReject) {
  const XmlTaken taken =
      take_xml(*make("/a/b", {column("n", "n", Type::integer), column("t", "@t", Type::time)}),
               "<a>\n<b t='2026-11-22T13:39:28Z'><n>5</n></b>\n<b><n>five</n></b>\n<b t='now'/></a>");
  EXPECT_EQ(lines(taken.rows), "n=5|t=2026-11-22 13:39:28\n");
  EXPECT_EQ(lines(taken.rejects),
            "45 3 n: expected an integer, found 'five'\n"
            "64 4 t: expected a time such as 2026-11-22T13:39:28Z, found 'now'\n");
  EXPECT_EQ(taken.reject_raws.back(), "<b t='now'/>");
}

TEST(Xml, TheRecordItselfAndItsElementsAsJson) {
  constexpr std::string_view file = "<a><b x='1'>t<c>2</c><c/><d><e/></d></b><b>only</b></a>";
  EXPECT_EQ(
      lines(take_xml(*make("/a/b", {column("all", ".", Type::json), column("text", "."), column("d", "d", Type::json)}),
                     file)
                .rows),
      "all={\"@x\":\"1\",\"c\":[\"2\",null],\"d\":{\"e\":null},\"#text\":\"t\"}|text=t2|d={\"e\":null}\n"
      "all=\"only\"|text=only\n");
}

TEST(Xml, ADocumentThatIsOneRecord) {
  const auto decoder = make("/a", {column("b", "b")});
  EXPECT_EQ(lines(take_xml(*decoder, "<?xml version='1.0'?>\n<a><b>1</b></a>\n").rows), "b=1\n");
  EXPECT_EQ(lines(take_xml(*decoder, "<a/>").rows), "\n");
  EXPECT_EQ(take_xml(*decoder, "<a/><a/>").failure,
            "a.xml:1: byte 4: <a> begins a second document behind the end of the first; there stands '<a/>'");
}

TEST(Xml, NamesWithPrefixes) {
  constexpr std::string_view file =
      "<f:feed xmlns:f='urn:f' xmlns='urn:d' xmlns:m='urn:m'><f:entry m:id='1' "
      "id='2'><title>t</title><m:title>u</m:title>"
      "<g:title xmlns:g='urn:m'>v</g:title></f:entry></f:feed>";
  EXPECT_EQ(
      lines(
          take_xml(*make("/f:feed/f:entry", {column("t", "title"), column("u", "m:title"), column("id", "@id")}), file)
              .rows),
      "t=t|u=u|id=2\n");
  const auto decoder = make(
      "/x:feed/x:entry", {column("t", "d:title"), repeated("u", "y:title", XmlRepeated::join), column("id", "@y:id")},
      {{"x", "urn:f"}, {"y", "urn:m"}, {"d", "urn:d"}});
  for (size_t step = 1; step < 100; ++step) {
    EXPECT_EQ(lines(take_xml(*decoder, file, {.step = [&] { return step; }}).rows), "t=t|u=u,v|id=1\n");
  }
}

TEST(Xml, Encodings) {
  const auto decoder = make("/a/b", {column("c", "c"), column("o", "../o")});
  const auto rows = [&](std::string_view file) {
    const XmlTaken taken = take_xml(*decoder, file);
    return taken.failure + lines(taken.rows) + lines(taken.rejects);
  };
  EXPECT_EQ(rows("\xEF\xBB\xBF<?xml version='1.0'?><a><b><c>\xC3\xA4</c></b></a>"), "c=ä\n");
  EXPECT_EQ(rows("<?xml version='1.0' encoding='ISO-8859-1'?><a><o>\xE4</o><b><c>\xC3\xA4&#8364;</c></b></a>"),
            "c=Ã¤€|o=ä\n");
  EXPECT_EQ(rows("<?xml version='1.0' encoding='windows-1252'?><a><b><c>\x80\x81</c></b></a>"), "c=€\\x81\n");
  EXPECT_EQ(rows("<?xml version='1.0' encoding='US-ASCII'?><a><b><c>a\xE4</c></b></a>"), "c=a\\xE4\n");
  EXPECT_EQ(rows("<?xml version='1.0' encoding='nonsense'?><a/>"), "a.xml:1: byte 0: there is no encoding 'nonsense'");
  EXPECT_EQ(
      rows("<?xml version='1.0' encoding='Shift_JIS'?><a/>"),
      "a.xml:1: byte 0: the encoding 'Shift_JIS' cannot be read: leat reads UTF-8 and those in which each byte is a "
      "character (ISO-8859, Windows-125x, KOI8); make it UTF-8 first: iconv -f Shift_JIS -t UTF-8");
  using std::string_view_literals::operator""sv;
  for (const std::string_view wide : {"\xFF\xFE<\0a\0"sv, "\xFE\xFF\0<\0a"sv, "<\0a\0"sv, "\0<\0a"sv}) {
    EXPECT_EQ(
        rows(wide),
        "a.xml:1: byte 0: this is UTF-16 or UTF-32, which is not read; make it UTF-8 first: iconv -f UTF-16 -t UTF-8");
  }
  EXPECT_EQ(rows("<?xml version='1.0' encoding='UTF-16'?><a/>").substr(0, 55),
            "a.xml:1: byte 0: the encoding 'UTF-16' cannot be read: ");
}

TEST(Xml, WhatIsNotWellFormedIsAnError) {
  const auto decoder = make("/a/b", {column("c", "c"), column("id", "../@id"), column("o", "../o")});
  const auto failure = [&](std::string_view file) { return take_xml(*decoder, file).failure; };
  EXPECT_EQ(failure("<a><b></a></b>"), "a.xml:1: byte 6: expected </b>, found </a>; there stands '</a></b>'");
  EXPECT_EQ(failure("<a>\n</b></a>"), "a.xml:2: byte 4: expected </a>, found </b>; there stands '</b></a>'");
  EXPECT_EQ(failure("<a></a></a>"), "a.xml:1: byte 7: </a> ends an element that has not begun; there stands '</a>'");
  EXPECT_EQ(failure("<a><b x='1' x=\"2\"/></a>"),
            "a.xml:1: byte 5: an attribute is there twice; there stands ' x='1' x=\"2\"/></a>'");
  EXPECT_EQ(failure("<a><b x='<'/></a>"),
            "a.xml:1: byte 9: '<' stands in the value of an attribute; there stands '<'/></a>'");
  EXPECT_EQ(failure("<a><b x=1/></a>"),
            "a.xml:1: byte 8: expected the value of an attribute in quotes; there stands '1/></a>'");
  EXPECT_EQ(failure("<a><b x/></a>"),
            "a.xml:1: byte 7: expected '=' after the name of an attribute; there stands '/></a>'");
  EXPECT_EQ(failure("<a><b>1 < 2</b></a>"),
            "a.xml:1: byte 9: expected the name of an element after '<'; a '<' that is meant as text is written &lt;; "
            "there stands ' 2</b></a>'");
  EXPECT_EQ(failure("<a><!-- a -- b --></a>"),
            "a.xml:1: byte 10: '--' stands in a comment; there stands '-- b --></a>'");
  EXPECT_EQ(failure("<a></a>\nrest"),
            "a.xml:2: byte 8: text stands behind the end of the document; there stands 'rest'");
  EXPECT_EQ(failure("<html><body>Error</body></html>"),
            "a.xml:1: byte 0: the document element is <html>, and records are looked for in <a>; there stands "
            "'<html><body>Error</body></html>'");
  EXPECT_EQ(failure("{\"error\":1}"), "a.xml:1: byte 0: this is not XML: expected '<'; there stands '{\"error\":1}'");
  EXPECT_EQ(failure("<a><?xml version='1.0'?></a>").substr(0, 30), "a.xml:1: byte 3: an XML declar");
  EXPECT_EQ(
      failure("<a><o>1</o><b/><o>2</o></a>"),
      "a.xml:1: byte 15: column 'o': 'o' stands behind records of the same <a>, which have gone without it; a value "
      "around the records has to come before them; there stands '<o>2</o></a>'");
  // What stands before the trouble is taken.
  const XmlTaken taken = take_xml(*decoder, "<a><b><c>1</c></b><b></c></b></a>");
  EXPECT_EQ(lines(taken.rows), "c=1\n");
  EXPECT_EQ(taken.failure, "a.xml:1: byte 21: expected </b>, found </c>; there stands '</c></b></a>'");
}

TEST(Xml, ARecordThatIsTooLongIsAReject) {
  const auto decoder = make("/a/b", {column("c", "c"), column("o", "../o")});
  const std::string file = "<a><o>5</o><b><c>1</c></b>\n<b><c>" + std::string(300, 'x') +
                           "<!-- </b> --><d e='</b>'/><![CDATA[</b>]]>\n</c></b>\n<b><c>2</c></b></a>";
  const std::string bad = "<a><o>5</o><b><c>1</c></b>\n<b><c>" + std::string(300, 'x') + "</b></c></a>";
  EXPECT_NE(take_xml(*decoder, file, {.step = [] { return 7; }, .max_record = 100}).failure, "")
      << "'<' in an attribute";
  const std::string good = "<a><o>5</o><b><c>1</c></b>\n<b><c>" + std::string(300, 'x') +
                           "<!-- </b> --><d e='/b>'/><![CDATA[</b>]]>\n</c></b>\n<b><c>2</c></b></a>";
  for (size_t step = 1; step < 500; step = step < 40 ? step + 1 : step * 2) {
    const XmlTaken taken = take_xml(*decoder, good, {.step = [&] { return step; }, .max_record = 100});
    EXPECT_EQ(taken.failure, "");
    EXPECT_EQ(lines(taken.rows), "c=1|o=5\nc=2|o=5\n");
    EXPECT_EQ(lines(taken.rejects), "27 2 : record is longer than 64 bytes\n");
    EXPECT_EQ(taken.origins.back().line, 4U);
    EXPECT_TRUE(take_xml(*decoder, bad, {.step = [&] { return step; }, .max_record = 100})
                    .failure.starts_with("a.xml:2: byte 333: expected </c>, found </b>; there stands '</b>"))
        << step;
  }
}

TEST(Xml, ColumnsAreInferred) {
  constexpr std::string_view file =
      "<a><b id='1'><Id>x</Id><n>1</n><p "
      "cur='EUR'>1.5</p><when>2026-11-22</when><tag>a</tag><tag>b</tag><in><x>1</x></in><e/></b>"
      "<b id='2'><n>-2</n><p cur='USD'>3</p><e/></b><b>text</b></a>";
  const auto decoder = make("/a/b");
  EXPECT_EQ(decoder->schema(), nullptr);
  const XmlTaken taken = take_xml(*decoder, file);
  EXPECT_EQ(taken.failure, "");
  EXPECT_EQ(
      lines(taken.notes),
      "a.xml: columns from its first 3 records: id (integer), Id_2 (text), n (integer), p (real), p_cur (text), when "
      "(time), tag (json), in (json), e (text), b (text)\n");
  EXPECT_EQ(lines(taken.rows),
            "id=1|Id_2=x|n=1|p=1.5|p_cur=EUR|when=2026-11-22 00:00:00|tag=[\"a\",\"b\"]|in={\"x\":\"1\"}\n"
            "id=2|n=-2|p=3|p_cur=USD\nb=text\n");
  // Another run has them from the sink.
  const auto again = make("/a/b");
  ASSERT_TRUE(again->restore_schema(decoder->save_schema()).ok());
  EXPECT_EQ(*again->schema(), *decoder->schema());
  EXPECT_TRUE(take_xml(*again, file) == XmlTaken(taken));
  EXPECT_EQ(again->restore_schema("csv1\n").message().find("the table was filled from another format than xml"), 0U);
}

TEST(Xml, AColumnThatComesLaterIsAdded) {
  std::string file = "<a>";
  for (int i = 0; i < 1200; ++i) file += fmt::format("<b><n>{}</n></b>", i);
  file += "<b><n>x</n></b><b><n>1</n><n>2</n></b><b><n><i/></n></b><b new='7'><n>5</n></b></a>";
  const auto decoder = make("/a/b");
  const XmlTaken taken = take_xml(*decoder, file, {.step = [] { return 1000; }});
  EXPECT_EQ(taken.failure, "");
  EXPECT_EQ(lines(taken.notes),
            "a.xml: columns from its first 1,000 records: n (integer)\na.xml: the table gets new (integer)\n");
  ASSERT_EQ(taken.rows.size(), 1201U);
  EXPECT_EQ(taken.rows.back(), "n=5|new=7");
  ASSERT_EQ(taken.rejects.size(), 3U);
  EXPECT_TRUE(taken.rejects[0].ends_with(" 1 n: expected an integer, found 'x'")) << taken.rejects[0];
  EXPECT_TRUE(taken.rejects[1].ends_with(
      " 1 n: 'n' is there more than once; say how to take it with repeated = \"first\", \"join\" or \"json\""));
  EXPECT_TRUE(taken.rejects[2].ends_with(
      " 1 n: there are elements in it, unlike in the first records; name the columns, this one with type = \"json\""));
}

TEST(Xml, NoRecordsAreNoTrouble) {
  EXPECT_EQ(
      take_xml(*detections(), "<OUT><RESPONSE><DATETIME>2020-09-27T01:29:21Z</DATETIME></RESPONSE></OUT>").failure, "");
  const auto inferred = make("/a/b");
  EXPECT_EQ(take_xml(*inferred, "<a></a>").failure, "");
  EXPECT_EQ(inferred->schema(), nullptr);
  EXPECT_EQ(take_xml(*inferred, "<a>").failure, "a.xml: ends at byte 3 inside <a>: the document is not closed");
}

TEST(Xml, PathsThatAreNone) {
  const auto trouble = [](std::string record, std::string path) {
    size_t wrong = 0;
    return trouble_with_xml_paths({std::move(record), {column("c", std::move(path))}, {}, true}, &wrong);
  };
  EXPECT_EQ(trouble("a/b", "c"), "'a/b' is not the path of an element: it begins with '/', such as \"/A/B/RECORD\"");
  EXPECT_EQ(trouble("/a/@b", "c"), "'/a/@b' is the path of an attribute; a record is an element");
  EXPECT_EQ(trouble("/a//b", "c"),
            "'/a//b': '' is not a name; a path is made of names, of '..' at its beginning, and of '@name' at its end");
  EXPECT_EQ(trouble("/a/b", "../../../c"), "'../../../c' leads out of the document: the record is 2 deep");
  EXPECT_EQ(trouble("/a/b", "../../c"), "'../../c' leads out of the document element <a>, in which everything is");
  EXPECT_EQ(trouble("/a/b", ".."),
            "'..' is an element that the record stands in, with all its other records; take an attribute of it "
            "(\"../@id\") or an element beside the record (\"../ID\")");
  EXPECT_EQ(trouble("/a/b", "/a/b/c"), "");
  EXPECT_EQ(trouble("/a/b", "../@x"), "");
}

TEST(Xml, WhatIsWatchedIsTold) {
  const auto decoder = detections();
  const std::vector<std::string> paths{"/OUT/RESPONSE/WARNING/URL",
                                       "/OUT/RESPONSE/WARNING/CODE",
                                       "/OUT/RESPONSE/DATETIME",
                                       "/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION/QID",
                                       "/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION/@id",
                                       "/OUT/RESPONSE/HOST_LIST/HOST/ID",
                                       "/OUT/RESPONSE/WARNING/TEXT"};
  const Watched all = watch_page(*decoder, kDetections, paths);
  EXPECT_EQ(all.error, "");
  EXPECT_EQ(all.told,
            (std::vector<std::string>{"https://x?a=1&b=2", "1980", "2020-09-27T01:29:21Z", "9", "a>b", "7", "-"}));
  EXPECT_EQ(all.lead, kDetections.find("<DETECTION id='1'>"));
  EXPECT_EQ(all.bytes, kDetections.size());
  for (size_t first = 0; first < kDetections.size(); ++first) {
    EXPECT_EQ(watch_page(*decoder, kDetections, paths, first), all) << first;
  }
  const XmlTaken rows = take_xml(*decoder, kDetections);
  EXPECT_EQ(lines(rows.rows), kDetectionRows) << "who watches nothing";
}

TEST(Xml, WhatRecordsInheritDoesNotDependOnWhereTheyStand) {
  const auto decoder = detections();
  std::string other(kDetections);
  other.replace(other.find("keep"), 4, "yes, do keep");
  other.insert(0, "<!-- another server -->\n\n");
  const Watched page = watch_page(*decoder, kDetections, {});
  EXPECT_NE(page.inherited, "");
  EXPECT_EQ(watch_page(*decoder, other, {}).inherited, page.inherited);
  EXPECT_EQ(watch_page(*decoder, other, {}).lead, page.lead + 25);
  other.replace(other.find("6506432"), 7, "6506433");
  EXPECT_NE(watch_page(*decoder, other, {}).inherited, page.inherited);
}

TEST(Xml, WhatIsWatchedWithoutRecords) {
  const std::string page =
      "<OUT><!-- <URL>no</URL> --><RESPONSE other='<'/><SKIP><URL>no</URL></SKIP><WARNING next='x y'><URL> "
      "a&amp;b<![CDATA[&]]>\n</URL></WARNING></RESPONSE><!-- --></OUT>\n";
  const std::string good = std::string(page).replace(page.find("/><SKIP"), 1, "").replace(page.find("'<'"), 3, "'-'");
  for (const auto& decoder : {detections(), make("/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION")}) {
    const std::vector<std::string> paths{"/OUT/RESPONSE/WARNING/URL", "/OUT/RESPONSE/WARNING/@next"};
    for (size_t first = 0; first < good.size(); ++first) {
      const Watched watched = watch_page(*decoder, good, paths, first);
      EXPECT_EQ(watched.error, "");
      EXPECT_EQ(watched.told, (std::vector<std::string>{"a&b&", "x y"})) << first;
      EXPECT_EQ(watched.lead, watched.bytes) << "no record has come";
    }
  }
}

TEST(Xml, WhatCannotBeWatched) {
  const auto watch = [](const std::string& path, const std::string& page = "<a/>") {
    return watch_page(*make("/a/b/c", {column("x", "x")}), page, {path}).error;
  };
  EXPECT_EQ(watch("a/n"), "'a/n' does not begin with '/', such as \"/A/B/URL\" or \"/A/B/@next\"");
  EXPECT_EQ(watch("/z/n"), "'/z/n' leads out of the document element <a>, in which everything is");
  EXPECT_TRUE(watch("/a/b").starts_with("'/a/b' is an element that the record stands in"));
  EXPECT_EQ(watch("/a/n", "<a><n>&no;</n></a>").substr(0, 57),
            "bad_data: page:1: byte 3: unknown entity '&no;': there ar");
  const std::string longest(64 * 1024, 'x');
  EXPECT_EQ(watch("/a/@n", "<a n='" + longest + "'/>"), "");
  EXPECT_EQ(watch("/a/@n", "<a n='x" + longest + "'/>").substr(0, 53),
            "bad_data: page:1: byte 0: 'a' is longer than 64.0 KiB");
  EXPECT_EQ(watch("/a/n", "<a><n>x" + longest + "</n></a>").substr(0, 53),
            "bad_data: page:1: byte 3: 'n' is longer than 64.0 KiB");
}

TEST(Xml, AnotherDocumentIsAnErrorThatShowsIt) {
  const std::string answer =
      "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!DOCTYPE SIMPLE_RETURN SYSTEM \"https://example.com/r.dtd\">\n"
      "<SIMPLE_RETURN>\n  <RESPONSE>\n    <DATETIME>2018-01-11T22:05:08Z</DATETIME>\n    <CODE>2000</CODE>\n"
      "    <TEXT>Bad Login/Password</TEXT>\n  </RESPONSE>\n</SIMPLE_RETURN>\n";
  for (const auto& decoder : {detections(), make("/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION")}) {
    for (size_t first = 0; first < answer.size(); ++first) {
      EXPECT_EQ(watch_page(*decoder, answer, {}, first).error,
                "bad_data: page:3: byte 100: the document element is <SIMPLE_RETURN>, and records are looked for in "
                "<OUT>; there stands '<SIMPLE_RETURN>\\n  <RESPONSE>\\n    <DATETIME>2018-01-11T22:05:08Z</DATETIME>\\n"
                "    <CODE>2000</CODE>\\n    <TEXT>Bad Login/Password</TEXT>\\n  </RESPONSE>\\n</SIMPLE_RETURN>\\n'");
    }
  }
}

TEST(Xml, TheStateIsOneLineOfPrintableText) {
  const auto decoder = make("/a/b", {column("o", "../o"), column("p", "../@p")});
  const auto cutter = decoder->make_cutter("a.xml");
  EXPECT_EQ(cutter->save().substr(0, 9), "0:1 xml1 ");
  constexpr std::string_view file = "<a p=' % ,/+'><o>l\n\xC3\xA4\x7F&lt;</o>\n<b/><!-- begun";
  const auto lead = cutter->whole(file, {});
  ASSERT_TRUE(lead.ok());
  EXPECT_EQ(lead->bytes, file.find("<b/>"));
  EXPECT_EQ(lead->lead, lead->bytes);
  const auto cut = cutter->whole(file.substr(lead->bytes), {});
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->bytes, file.size() - lead->bytes - 2) << "which may begin the end of the comment";
  EXPECT_EQ(cut->lead, 0U);
  EXPECT_EQ(cut->tail, std::string_view("<!-- begun").size() - 2);
  const std::string saved = cutter->save();
  EXPECT_EQ(saved.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:%,/+ "),
            std::string::npos)
      << saved;
  const auto other = decoder->make_cutter("a.xml");
  ASSERT_TRUE(other->restore(saved).ok());
  EXPECT_EQ(other->save(), saved);
  XmlTaken taken;
  Chunk chunk;
  chunk.bytes = "un --><b/></a>";
  chunk.context = saved;
  testing::decode_xml(*decoder, std::move(chunk), taken);
  EXPECT_EQ(lines(taken.rows), "o=l\nä\x7F<|p= % ,/+\n");
}

TEST(Xml, AStateOfAnotherConfigurationIsRefused) {
  const auto decoder = detections();
  auto cutter = decoder->make_cutter("a.xml");
  ASSERT_TRUE(cutter->whole(kDetections.substr(0, 700), {}).ok());
  const auto other = make("/OUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION", {column("x", "../../NAME")});
  const Status status = other->make_cutter("a.xml")->restore(cutter->save());
  EXPECT_EQ(status.kind(), Kind::bad_config);
  EXPECT_EQ(status.message(),
            "a.xml: the path of the records, or of a column around them, was changed while the document is half read; "
            "change it back, or take the document anew");
}

}  // namespace
}  // namespace leat
