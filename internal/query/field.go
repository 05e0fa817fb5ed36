package query

import (
	"slices"
	"strings"
)

// Kind is how the values of a field are written and compared.
type Kind int

// The kinds of fields.
const (
	Keyword Kind = iota // exact, whatever the letter case; * stands for any characters
	Enum                // one of Field.Enum; with Field.Ordered also >= and the like, in that order
	Number              // decimal, Field.Min to Field.Max
	Time                // dates, and ages counted back from now: >7d is "within the last seven days"
	Flag                // yes or no; with Field.Dated also since when, as with Time
	Zone                // words, searched in one part of the text only
)

// Field is something that can be asked for by name.
type Field struct {
	Name     string
	Aliases  []string
	Kind     Kind
	Enum     []string // the values; those of an Ordered field rise
	Ordered  bool
	Outside  []string // values of an Ordered field beside its order: only equal or not
	Dated    bool
	Min, Max float64           // of a Number, both included
	Whole    bool              // a Number without a fraction
	Help     map[string]string // one line per language, "en" and "ja"
	Example  string            // a condition that means something on a real list

	spell func(text string) (string, bool) // the proper spelling of a keyword; nil keeps it as it is
	code  string                           // of the error when spell refuses
	form  string                           // what spell wants, for that error
}

// Comparable reports whether the field knows >, >=, <, <= and ranges.
func (f *Field) Comparable() bool {
	return f.Kind == Number || f.Kind == Time || f.Kind == Enum && f.Ordered || f.Kind == Flag && f.Dated
}

// Values are what the field can be, where that is a fixed list: also those outside its order.
func (f *Field) Values() []string {
	if f.Kind == Flag {
		return []string{"yes", "no"}
	}
	return append(slices.Clone(f.Enum), f.Outside...)
}

// Fields are all fields, in the order of a manual. The list is not to be changed.
func Fields() []*Field { return fields }

// Lookup finds a field by its name or one of its aliases, in any letter case.
func Lookup(name string) (*Field, bool) {
	f, ok := byName[strings.ToLower(name)]
	return f, ok
}

var byName = func() map[string]*Field {
	m := map[string]*Field{}
	for _, f := range fields {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if m[name] != nil {
				panic("query: two fields called " + name)
			}
			m[name] = f
		}
	}
	return m
}()

func help(en, ja string) map[string]string { return map[string]string{"en": en, "ja": ja} }

// Has are the values of has: what a record says anything of. docs/query.md defines each.
var hasValues = []string{
	"title", "cvss", "cvss2", "cvss3", "cvss4", "cwe", "cpe", "purl", "range", "fix", "solution", "workaround",
	"patch", "advisory", "exploit", "kev", "ssvc", "adp", "credit", "timeline", "ja",
}

var fields = []*Field{
	{Name: "id", Aliases: []string{"cve"}, Kind: Keyword, Example: "id:CVE-2024-3094", spell: spellID, code: "bad-id", form: "CVE-2024-1234, or CVE-2024-12* for many",
		Help: help("CVE identifier; * stands for any characters", "CVE識別子。* は任意の文字列")},
	{Name: "year", Kind: Number, Min: 1000, Max: 9999, Whole: true, Example: "year>=2023",
		Help: help("year in the identifier", "識別子の年")},
	{Name: "state", Kind: Enum, Enum: []string{"published", "rejected"}, Example: "state:rejected",
		Help: help("published or rejected", "公開または却下")},
	{Name: "vendor", Kind: Keyword, Example: "vendor:microsoft",
		Help: help("vendor of an affected product, whole name; * stands for any characters", "影響を受ける製品のベンダー名（完全一致、* は任意の文字列）")},
	{Name: "product", Aliases: []string{"package"}, Kind: Keyword, Example: `product:"windows server 2019"`,
		Help: help("affected product or package, whole name; * stands for any characters", "影響を受ける製品・パッケージ名（完全一致、* は任意の文字列）")},
	{Name: "severity", Aliases: []string{"sev"}, Kind: Enum, Ordered: true, Enum: []string{"none", "low", "medium", "high", "critical"},
		Outside: []string{"unscored"}, Example: "severity>=high",
		Help: help("severity by the score to judge by; unscored where nobody scored", "判断の基準とするスコアの深刻度。未評価は unscored")},
	{Name: "cvss", Aliases: []string{"score"}, Kind: Number, Max: 10, Example: "cvss>=9",
		Help: help("the CVSS score to judge by: the newest version, the assigner's own first", "判断の基準とするCVSSスコア（新しい版、採番機関の値を優先）")},
	{Name: "cvss2", Kind: Number, Max: 10, Example: "cvss2>=7",
		Help: help("any CVSS 2.0 base score", "CVSS 2.0 基本値のいずれか")},
	{Name: "cvss3", Kind: Number, Max: 10, Example: "cvss3:7..8.9",
		Help: help("any CVSS 3.0 or 3.1 base score", "CVSS 3.0・3.1 基本値のいずれか")},
	{Name: "cvss4", Kind: Number, Max: 10, Example: "cvss4>=8",
		Help: help("any CVSS 4.0 base score", "CVSS 4.0 基本値のいずれか")},
	{Name: "vector", Kind: Keyword, Example: "vector:AV:N/PR:N/UI:N", spell: spellVector, code: "bad-vector", form: "metrics such as AV:N/PR:N, or CVSS:3.1/AV:N",
		Help: help("metrics that stand together in one CVSS vector", "一つのCVSSベクトルに含まれる評価項目")},
	{Name: "kev", Aliases: []string{"exploited"}, Kind: Flag, Dated: true, Example: "kev:>30d",
		Help: help("listed as exploited in CISA's KEV catalogue; with a date: when it was added", "CISA KEVカタログに掲載（悪用確認済み）。日付を書くと追加日")},
	{Name: "ssvc", Aliases: []string{"exploitation"}, Kind: Enum, Ordered: true, Enum: []string{"none", "poc", "active"}, Example: "ssvc>=poc",
		Help: help("SSVC exploitation", "SSVCの悪用状況")},
	{Name: "cwe", Aliases: []string{"weakness"}, Kind: Keyword, Example: "cwe:CWE-79", spell: spellCWE, code: "bad-cwe", form: "CWE-79, or 79",
		Help: help("weakness (CWE), by anybody who classified the record", "脆弱性の種類（CWE）")},
	{Name: "published", Aliases: []string{"pub"}, Kind: Time, Example: "published:2024-01..2024-03",
		Help: help("day of publication", "公開日")},
	{Name: "changed", Aliases: []string{"modified"}, Kind: Time, Example: "changed:>7d",
		Help: help("last change as clients that poll for changes see it", "最終変更日時（変更を追うクライアントから見たもの）")},
	{Name: "updated", Kind: Time, Example: "updated:2024-10",
		Help: help("the record's own dateUpdated", "レコード自身の更新日時（dateUpdated）")},
	{Name: "reserved", Kind: Time, Example: "reserved:<2024",
		Help: help("day the identifier was reserved", "採番（予約）日")},
	{Name: "assigner", Aliases: []string{"cna"}, Kind: Keyword, Example: "assigner:mitre",
		Help: help("short name of the CNA that assigned the identifier", "採番機関（CNA）の略称")},
	{Name: "source", Aliases: []string{"by"}, Kind: Keyword, Example: "source:cisa-adp",
		Help: help("short name or UUID of anybody who says something in the record", "レコードに記述のある組織の略称またはUUID")},
	{Name: "tag", Kind: Keyword, Example: "tag:disputed",
		Help: help("tag of the record, such as disputed or unsupported-when-assigned", "レコードのタグ（disputed など）")},
	{Name: "ref", Aliases: []string{"reference"}, Kind: Keyword, Example: "ref:patch",
		Help: help("tag of a reference, such as patch, exploit or vendor-advisory", "参考情報のタグ（patch、exploit、vendor-advisory など）")},
	{Name: "has", Kind: Enum, Enum: hasValues, Example: "has:fix",
		Help: help("the record says something of it", "その情報がレコードにあるか")},
	{Name: "lang", Aliases: []string{"language"}, Kind: Keyword, Example: "lang:ja",
		Help: help("language of the assigner's description", "採番機関による説明の言語")},
	{Name: "status", Kind: Enum, Enum: []string{"waiting", "analyzed", "modified", "rejected"}, Example: "status:analyzed",
		Help: help("analysis status as the NVD interface derives it", "NVDインターフェースが導く分析状況")},
	{Name: "title", Kind: Zone, Example: "title:overflow",
		Help: help("words in the title only", "題名に含まれる語")},
	{Name: "description", Aliases: []string{"desc"}, Kind: Zone, Example: `description:"use after free"`,
		Help: help("words in descriptions only, in any language", "説明に含まれる語（言語を問わない）")},
}
