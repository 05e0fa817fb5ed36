package program_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// bare is a list without organisations.
func bare(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: gatetest.New(t, db)}
	w.Service = newService(t, w.World)
	return w
}

var secretariat = program.NewSecretariat{Short: "jp", Name: "Authority", Username: "root@jp.test", Years: []int64{2026, 2027}, Margin: registry.DefaultMargin}

func TestFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := bare(t, db), t.Context()
		w.Import(t, imported("CVE-2026-25000", redhat, "redhat"))
		member := authority.Caller{Role: authority.Member, Org: redhat, User: redhat}
		if _, err := w.Found(ctx, member, secretariat); !errors.Is(err, program.ErrNotOperator) || !errors.Is(err, authority.ErrDenied) {
			t.Errorf("a stranger founds: %v", err)
		}
		size := w.Size(t)
		bad := secretariat
		bad.Username = "x"
		if _, err := w.Found(ctx, operator, bad); !errors.Is(err, authority.ErrUsername) || w.Size(t) != size {
			t.Errorf("%v, and %d leaves", err, w.Size(t)-size)
		}
		got, err := w.Found(ctx, operator, secretariat)
		if err != nil {
			t.Fatal(err)
		}
		if got.Org.ID != gatetest.Operator || !slices.Equal(got.Org.Roles, []authority.OrgRole{authority.Secretariat, authority.CNA}) || len(got.Secret) != authority.SecretLen ||
			got.Pack != authority.Builtin().Version || len(got.Ranges) != 2 || got.Ranges[0].General != 35000 || got.Ranges[1].General != registry.PriorityEnd {
			t.Errorf("%+v", got)
		}
		caller, err := w.Login(ctx, "jp", "root@jp.test", got.Secret, "test")
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.Reserve(ctx, caller, program.Reservation{Owner: "jp", Year: 2026, Amount: 1})
		if err != nil || out.IDs[0].ID != "CVE-2026-0001" {
			t.Errorf("%+v (%v)", out, err)
		}
		if _, err := w.Found(ctx, operator, secretariat); !errors.Is(err, program.ErrFounded) {
			t.Errorf("twice: %v", err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

// A secret that was chosen is not told back.
func TestFoundWithSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := bare(t, db)
		n := secretariat
		n.Secret = "Chosen-Elsewhere"
		got, err := w.Found(t.Context(), operator, n)
		if err != nil || got.Secret != "" {
			t.Fatalf("%+v (%v)", got, err)
		}
		if _, err := w.Login(t.Context(), "jp", "root@jp.test", n.Secret, "test"); err != nil {
			t.Error(err)
		}
	})
}

const (
	redhat = "53f830b8-0a3f-465b-8143-3b8a9948e749"
	other  = "66666666-6666-4666-8666-666666666666"
	cisa   = "134c704f-9b21-4f2e-91b3-4a467353bcc0"
)

func imported(id, org, short string) []byte {
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":%q,"assignerShortName":%q,"state":"PUBLISHED",`+
		`"datePublished":"2026-01-01T00:00:00.000Z","dateUpdated":"2026-01-01T00:00:00.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":%q,"shortName":%q},`+
		`"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"v","product":"p","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://a.test/"}]}}}`,
		id, org, short, org, short)
}

// An imported record is nobody's to write until its assigner is adopted; then it is theirs, and the next import of it is a divergence.
func TestAdopt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		const id = "CVE-2026-25000"
		w.Import(t, imported(id, redhat, "redhat"), imported("CVE-2026-25001", other, "acme"))
		list, err := w.Candidates(ctx)
		if err != nil || len(list) != 2 || list[1] != (program.Candidate{ID: redhat, Short: "redhat", Records: 1}) {
			t.Fatalf("%+v (%v)", list, err)
		}
		sub := program.Submission{ID: id, Container: []byte(container), Want: program.WantOne}
		if _, err := w.Publish(ctx, w.callers["secretariat"], sub); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("before: %v", err)
		}
		var plan []program.Adoption
		for _, c := range append(list, program.Candidate{ID: cisa, Short: "CISA-ADP"}, program.Candidate{ID: "nonsense", Short: "nonsense"}) {
			plan = append(plan, program.Adoption{ID: c.ID, Short: c.Short, Name: c.Short, Roles: c.RolesFor()})
		}
		for range 26 { // more than one batch
			plan = append(plan, program.Adoption{Short: "x", Name: "x"})
		}
		outcomes := func() (out []string) {
			t.Helper()
			batches := 0
			err := w.Adopt(ctx, operator, plan, func(done []program.Adopted) {
				batches++
				for _, d := range done {
					out = append(out, d.Outcome)
					if (d.Outcome == program.WasRefused) != (d.Reason != "") {
						t.Errorf("%+v", d)
					}
				}
			})
			if err != nil || batches != 2 || len(out) != len(plan) {
				t.Errorf("%d outcomes in %d batches (%v)", len(out), batches, err)
			}
			return out[:4]
		}
		// The second one's short name is the world's own acme.
		if got := outcomes(); !slices.Equal(got, []string{"refused", "adopted", "adopted", "refused"}) {
			t.Errorf("first: %q", got)
		}
		size := w.Size(t)
		if got := outcomes(); !slices.Equal(got, []string{"refused", "here", "here", "refused"}) || w.Size(t) != size {
			t.Errorf("again: %q, %d leaves", got, w.Size(t)-size)
		}
		if err := w.Adopt(ctx, w.callers["secretariat"], plan, nil); !errors.Is(err, program.ErrNotOperator) {
			t.Errorf("a member adopts: %v", err)
		}
		_, key, err := w.AddUser(ctx, operator, "redhat", authority.NewUser{Username: "ann@redhat"})
		if err != nil {
			t.Fatal(err)
		}
		ann, err := w.Login(ctx, "redhat", "ann@redhat", key, "test")
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := w.Publish(ctx, ann, sub); err != nil {
			t.Errorf("after: %s (%v)", raw, err)
		}
		if got := w.Import(t, imported(id, redhat, "renamed")); got[0] != registry.Divergent {
			t.Errorf("imported again: %v", got)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

// The Program's own list: every partner under its Root, those that records name by their UUIDs, and no powers over this list.
func TestImportPartners(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/data/cna/CNAsList.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the partner list is not here")
	}
	partners, err := authority.LoadPartners(raw)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := bare(t, db), t.Context()
		w.Import(t, imported("CVE-2026-25000", redhat, "redhat"), imported("CVE-2026-25001", other, "zte"))
		var told []int
		sum, err := w.ImportPartners(ctx, operator, partners, func(done int) { told = append(told, done) })
		if err != nil {
			t.Fatal(err)
		}
		if sum.Made+sum.Adopted != len(partners) || sum.Adopted != 2 || told[len(told)-1] != len(partners) || len(told) < 10 || sum.Given < len(partners) {
			t.Errorf("%+v of %d, told %v", sum, len(partners), told)
		}
		o, err := w.Org(ctx, operator, "ZTE")
		if err != nil || o.ID != other || !o.Adopted {
			t.Errorf("%+v (%v)", o, err)
		}
		if o, err = w.Org(ctx, operator, "mitre"); err != nil || o.Has(authority.Secretariat) {
			t.Errorf("%+v (%v)", o, err)
		}
		size := w.Size(t)
		if again, err := w.ImportPartners(ctx, operator, partners, nil); err != nil || again != (authority.Imported{}) || w.Size(t) != size {
			t.Errorf("again: %+v (%v), %d leaves", again, err, w.Size(t)-size)
		}
		if _, err := w.Found(ctx, operator, secretariat); err != nil {
			t.Errorf("a Secretariat of our own afterwards: %v", err)
		}
	})
}
