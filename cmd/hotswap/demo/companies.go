package demo

import (
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
)

// company is a customer.
type company struct{ id, name, tier, region, industry, contact string }

// in is the company as the service takes it.
func (c company) in() tenants.In {
	return tenants.In{
		TenantID: c.id, Name: c.name, Tier: c.tier,
		Metadata: models.Object(map[string]models.Value{
			"region": models.Text(c.region), "industry": models.Text(c.industry), "contact": models.Text(c.contact),
		}),
	}
}

// companies are the customers; the addresses end in .example, which nobody owns.
var companies = []company{
	{FirstTenant, "Globex Corporation", "Enterprise", "eu-central", "Manufacturing", "platform-team@globex.example"},
	{"initech", "Initech", "Enterprise", "us-east", "Software", "it-operations@initech.example"},
	{"meridian-health", "Meridian Health Group", "Enterprise", "us-east", "Healthcare", "security@meridian-health.example"},
	{"kestrel-insurance", "Kestrel Insurance", "Enterprise", "eu-west", "Insurance", "it-governance@kestrel.example"},
	{"nordlicht-energie", "Nordlicht Energie", "Enterprise", "eu-central", "Energy", "leitstelle@nordlicht.example"},
	{"harbour-vale-bank", "Harbour & Vale Bank", "Enterprise", "eu-west", "Banking", "change-board@harbourvale.example"},

	{"hooli", "Hooli", "Pro", "us-west", "Software", "developers@hooli.example"},
	{"vandelay", "Vandelay Industries", "Pro", "us-east", "Import and export", "office@vandelay.example"},
	{"bluefin-logistics", "Bluefin Logistics", "Pro", "ap-southeast", "Logistics", "dispatch@bluefin.example"},
	{"alder-finch", "Alder & Finch Architects", "Pro", "eu-west", "Architecture", "studio@alderfinch.example"},
	{"octant-robotics", "Octant Robotics", "Pro", "us-west", "Manufacturing", "ops@octant.example"},
	{"saffron-foods", "Saffron Foods", "Pro", "ap-south", "Food", "digital@saffronfoods.example"},
	{"tidewater-travel", "Tidewater Travel", "Pro", "eu-west", "Travel", "web@tidewater.example"},
	{"brightwell-clinics", "Brightwell Clinics", "Pro", "us-east", "Healthcare", "it@brightwell.example"},
	{"cobalt-media", "Cobalt Media", "Pro", "us-west", "Media", "engineering@cobaltmedia.example"},

	{"paper-lantern", "Paper Lantern Studio", "Free", "ap-northeast", "Design", "hello@paperlantern.example"},
	{"juniper-yoga", "Juniper Yoga", "Free", "us-west", "Sports", "front-desk@juniper.example"},
	{"copperfield-books", "Copperfield Books", "Free", "eu-west", "Retail", "shop@copperfield.example"},
	{"little-oak", "Little Oak Nursery", "Free", "eu-west", "Education", "office@littleoak.example"},
	{"rivet-bikes", "Rivet Bikes", "Free", "eu-central", "Retail", "werkstatt@rivet.example"},
	{"maple-street-bakery", "Maple Street Bakery", "Free", "us-east", "Food", "orders@maplestreet.example"},
	{"quill-partners", "Quill & Partners", "Free", "us-east", "Legal", "clerk@quill.example"},
	{"sunny-side-solar", "Sunny Side Solar", "Free", "ap-southeast", "Energy", "sales@sunnyside.example"},
	{"walnut-labs", "Walnut Labs", "Free", "us-west", "Software", "founders@walnut.example"},
}
