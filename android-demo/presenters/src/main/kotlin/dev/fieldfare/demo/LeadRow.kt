package dev.fieldfare.demo

import dev.fieldfare.LatLng
import dev.fieldfare.Lead
import dev.fieldfare.LeadId
import dev.fieldfare.LeadStatus

/** A lead in a list. */
data class LeadRow(
    val id: LeadId,
    val name: String,
    val address: String,
    val distance: String,
    val status: LeadStatus,
    val tier: Int?,
    val isPending: Boolean,
) {
    companion object {
        fun of(
            lead: Lead,
            metres: Double?,
        ): LeadRow =
            LeadRow(
                id = lead.id,
                name = lead.name,
                address = addressText(lead.address),
                distance = metres?.let(::distanceText).orEmpty(),
                status = lead.status,
                tier = lead.tier,
                isPending = lead.isPending,
            )
    }
}

/** A lead as a pin; null for one without coordinates. */
fun pinOf(lead: Lead): MapPin? = lead.geocode.position?.let { MapPin(lead.id, lead.name, it, lead.status, lead.tier) }

/** Metres from here to a lead. */
fun metresTo(
    here: LatLng?,
    lead: Lead,
): Double? {
    val there = lead.geocode.position ?: return null
    return here?.let { metresBetween(it, there) }
}
