package dev.fieldfare

import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.time.Duration
import java.time.Instant
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Every call, without a connection. */
class CallsTest {
    @Test
    fun `the version is the package's`() = assertEquals("0.1.0", Fieldfare.version)

    @Test
    fun `a new phone reports new files and knows nobody until it is enrolled`() =
        runBlocking {
            withPhone(isEnrolled = false) { phone ->
                assertEquals(OpenReport(FileReport.Created, FileReport.Created, null, false), phone.openReport())
                assertNull(phone.enrolment())
                assertFailsWith<FieldfareException.NotEnrolled> { phone.rep() }
                val enrolment = phone.enrol("CODE", "Phone")
                assertEquals("Robin", enrolment.repName)
                assertEquals(enrolment, phone.enrolment())
                assertEquals(enrolment.rep, phone.rep().id)
            }
        }

    @Test
    fun `leads are added, read, edited, listed, searched and found on the map`() =
        runBlocking {
            withPhone { phone ->
                val added =
                    phone.addLead(
                        NewLead(
                            name = "Brandt Bäckerei",
                            kind = LeadKind.COMPANY,
                            address = Address(street = "1 Main Street", city = "Boston"),
                            position = HERE,
                            phone = "555",
                            email = "a@example.com",
                            website = "example.com",
                            tier = 2,
                            notes = "ring twice",
                            contactHours = "Mo-Fr 09:00-17:00",
                        ),
                    )
                assertTrue(added.isPending)
                assertEquals(added, phone.lead(added.id))
                assertEquals(listOf(added), phone.leads(listOf(NOBODY, added.id)))

                val due = Instant.ofEpochMilli(1_800_000_000_123)
                val edited =
                    phone.editLead(
                        added.id,
                        LeadEdit.Name("Brandt"),
                        LeadEdit.Street("2 Main Street"),
                        LeadEdit.Unit("4"),
                        LeadEdit.City("Cambridge"),
                        LeadEdit.Region("MA"),
                        LeadEdit.PostalCode("02138"),
                        LeadEdit.Country("US"),
                        LeadEdit.Phone(null),
                        LeadEdit.Email("b@example.com"),
                        LeadEdit.Website(null),
                        LeadEdit.Status(LeadStatus.QUALIFIED),
                        LeadEdit.Tier(1),
                        LeadEdit.Owner("7"),
                        LeadEdit.Notes("rang once"),
                        LeadEdit.ContactHours(""),
                        LeadEdit.AlertRadius(300),
                        LeadEdit.NextVisitDue(due),
                    )
                assertEquals(Address("2 Main Street", "4", "Cambridge", "MA", "02138", "US"), edited.address)
                assertEquals(due, edited.nextVisitDue)
                assertNull(edited.phone)
                assertEquals(300, edited.alertRadiusM)

                assertEquals(listOf(added.id), phone.search("bran").map { it.id })
                assertEquals(listOf(added.id), phone.leadsPage(LeadFilter(tiers = listOf(1))).leads.map { it.id })
                assertTrue(phone.leadsPage(LeadFilter(tiers = listOf(2))).leads.isEmpty())
                val map = phone.viewport(LatLng(42.0, -72.0), LatLng(43.0, -71.0))
                assertEquals(listOf(LeadPin(added.id, HERE, LeadStatus.QUALIFIED, 1, null)), map.pins)
                assertTrue(phone.territories().isEmpty())
            }
        }

    @Test
    fun `a flow of all leads asks page by page`() =
        runBlocking {
            withPhone { phone ->
                repeat(60) { phone.addLead(leadAt("Lead %02d".format(it))) }
                assertEquals(List(60) { "Lead %02d".format(it) }, phone.allLeads().toList().map { it.name })
                val page = phone.leadsPage(order = LeadOrder.CHANGED, limit = 59)
                assertEquals(1, phone.leadsPage(order = LeadOrder.CHANGED, after = page.next).leads.size)
            }
        }

    @Test
    fun `what is near comes nearest first, with its distance`() =
        runBlocking {
            withPhone { phone ->
                repeat(5) { phone.addLead(leadAt("Lead $it", HERE.lat + it * 0.001)) }
                val near = phone.nearby(HERE, NearbyQuery(radiusM = 250.0))
                assertEquals(listOf("Lead 0", "Lead 1", "Lead 2"), near.leads.map { it.lead.name })
                assertEquals(3, near.total)
                assertEquals(111.2, near.leads[1].distanceM, 0.1)
                assertEquals(2, phone.nearby(HERE, NearbyQuery(limit = 2)).leads.size)
                val ids = phone.nearbyIds(HERE, NearbyQuery(radiusM = 250.0))
                assertEquals(near.leads.map { NearbyId(it.lead.id, it.distanceM) }, ids)
            }
        }

    @Test
    fun `a visit moves the lead on, and waits for the server`() =
        runBlocking {
            withPhone { phone ->
                val lead = phone.addLead(leadAt("A"))
                val start = Instant.ofEpochMilli(Instant.now().toEpochMilli())
                val visit =
                    phone.recordVisit(
                        NewVisit(
                            lead = lead.id,
                            outcome = VisitOutcome.ORDER,
                            note = "ten loaves",
                            startedAt = start,
                            endedAt = start.plusSeconds(60),
                            followUpAt = start.plusSeconds(3600),
                            position = HERE,
                            status = LeadStatus.CUSTOMER,
                        ),
                    )
                assertNull(visit.position, "a place was kept without consent")
                assertEquals(listOf(visit), phone.visits(lead.id))
                assertEquals(listOf(visit), phone.visits())
                assertEquals(LeadStatus.CUSTOMER, phone.lead(lead.id).status)
                val pending = phone.pending()
                assertEquals(listOf("lead", "visit", "lead"), pending.map { it.entity })
                assertContains(pending[2].fields.map { it.column }, "status")
                assertIs<FieldValue.Number>(pending[2].fields.first { it.column == "status" }.after)
                assertEquals(3, phone.status().pending)
                assertContains(phone.exportMyData(), "ten loaves")
                assertTrue(phone.refused().isEmpty() && phone.conflicts().isEmpty())
            }
        }

    @Test
    fun `consent opens the gate and closes it`() =
        runBlocking {
            withPhone { phone ->
                phone.addLead(leadAt("A"))
                val denied = phone.fix(fixNow())
                assertEquals(NextFix.Stop, denied.next)
                assertTrue(denied.alerts.isEmpty())

                val until = Instant.ofEpochMilli(System.currentTimeMillis() + 86_400_000)
                val entry = phone.grant(Purpose.PROXIMITY_ALERTS, "2026-11", "en", until)
                assertEquals(1, entry.sequence)
                assertEquals(until, entry.validUntil)
                val outcome = phone.fix(fixNow())
                assertEquals(listOf("A"), outcome.alerts.map { it.lead.name })
                assertTrue(outcome.events.any { it is ProximityEvent.Entered })
                assertIs<NextFix.After>(outcome.next)
                assertNotNull(outcome.fences)
                assertFalse(outcome.isPingStored)
                assertEquals(1, phone.fences(HERE, limit = 5).areas.size)
                assertEquals(2, phone.fixes(listOf(fixNow(), fixNow())).size)

                phone.withdraw(Purpose.PROXIMITY_ALERTS)
                assertFailsWith<FieldfareException.ConsentRequired> { phone.fences(HERE) }
                val state = phone.consentState()
                assertEquals(LedgerState.WHOLE, state.ledger)
                assertTrue(state.purposes.none { it.isGranted })
                val actions = phone.consents().map { it.action }
                assertEquals(listOf(ConsentAction.GRANT, ConsentAction.WITHDRAW), actions)
            }
        }

    @Test
    fun `settings reach the engine`() =
        runBlocking {
            val settings = defaultProximityConfig()
            assertEquals(Duration.ofHours(4), settings.coolDown)
            val dir = temporaryDirectory()
            val wrong = offline(dir).copy(proximity = settings.copy(exitFactor = 0.5))
            val error = assertFailsWith<FieldfareException.Invalid> { Fieldfare.open(wrong, MemoryVault()) }
            assertEquals("location setting exit_factor must be 1 or more", error.message)
            deleteAll(dir)
        }

    @Test
    fun `the app's clock is the engine's`() =
        runBlocking {
            val noon = Instant.parse("2026-11-25T12:00:00Z")
            val clock =
                object : WallClock {
                    override fun now() = noon
                }
            withPhone(clock = clock) { phone ->
                phone.addLead(leadAt("A"))
                assertEquals(noon, phone.pending().single().at)
            }
        }

    @Test
    fun `keys change, files close and open again`() =
        runBlocking {
            withPhone { phone ->
                val lead = phone.addLead(leadAt("A"))
                phone.rotateKey()
                phone.suspend()
                phone.suspend()
                assertFailsWith<FieldfareException.Closed> { phone.lead(lead.id) }
                assertEquals(FileReport.Opened, phone.resume()?.cache)
                assertNull(phone.resume())
                assertEquals("A", phone.lead(lead.id).name)
                val error = assertFailsWith<FieldfareException.UnsentWork> { phone.erase() }
                assertEquals(1, error.operations)
                phone.erase(force = true)
                assertFailsWith<FieldfareException.Closed> { phone.status() }
            }
            Unit
        }
}

fun fixNow() = Fix(HERE, Instant.now(), accuracyM = 5.0)
