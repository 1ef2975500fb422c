/// Every lead that passes a filter, read page by page.
public struct AllLeads: AsyncSequence, Sendable {
    /// A lead.
    public typealias Element = Lead
    /// What reading a page may throw.
    public typealias Failure = any Error

    let client: FieldfareClient
    let filter: LeadFilter
    let order: LeadOrder

    /// Reads from the beginning.
    public func makeAsyncIterator() -> Iterator {
        Iterator(leads: self)
    }

    /// Reads one lead after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let leads: AllLeads
        private var page: ArraySlice<Lead> = []
        private var after: String?
        private var hasMore = true

        init(leads: AllLeads) {
            self.leads = leads
        }

        /// The next lead; nil at the end.
        public mutating func next() async throws -> Lead? {
            while page.isEmpty, hasMore {
                let next = try await leads.client.leadsPage(
                    leads.filter, order: leads.order, after: after, limit: 100)
                page = next.leads[...]
                after = next.next
                hasMore = after != nil
            }
            return page.popFirst()
        }
    }
}
