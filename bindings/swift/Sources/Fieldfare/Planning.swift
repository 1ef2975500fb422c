import Foundation

/// The day on the calendar that a moment falls on in a time zone.
public func calendarDate(_ moment: Date, in zone: TimeZone = .current) -> CalendarDate {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let parts = calendar.dateComponents([.year, .month, .day], from: moment)
    return [parts.year ?? 0, parts.month ?? 0, parts.day ?? 0]
        .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "-")
}

extension FieldfareClient {
    // MARK: The day

    /// The days for which a plan is on this phone, in order.
    public func plannedDates() async throws(FieldfareError) -> [CalendarDate] {
        try await call { try $0.plannedDates() }
    }

    /// A planned day: this phone's own if there is one, else the server's. Visits recorded meanwhile
    /// count as made; the times stay until the day is planned anew.
    public func day(_ date: CalendarDate) async throws(FieldfareError) -> DayPlan {
        try await call { try $0.day(date: date) }
    }

    /// Shows the server's plan of a day in place of this phone's own.
    @discardableResult
    public func useServerDay(_ date: CalendarDate) async throws(FieldfareError) -> DayPlan {
        try await call { try $0.useServerDay(date: date) }
    }

    /// Notes the rep's working days, for planning on this phone.
    public func setWorkHours(_ work: WorkHours) async throws(FieldfareError) {
        try await call { try $0.setWorkHours(work: work) }
    }

    /// The rep's working days as noted here, else as the server's latest plan shows them; nil if neither is
    /// there.
    public func workHours() async throws(FieldfareError) -> WorkHours? {
        try await call { try $0.workHours() }
    }

    /// Plans a day without a connection, in place of this phone's earlier plan of that day.
    @discardableResult
    public func planDay(_ request: PlanDay) async throws(FieldfareError) -> DayPlan {
        try await call { try $0.planDay(request: request) }
    }

    /// Plans the rest of a day anew, without a connection: what was visited is behind, committed visits
    /// come first, and of the others no more changes its turn than pays.
    @discardableResult
    public func replanDay(
        _ date: CalendarDate, _ update: DayUpdate = DayUpdate()
    ) async throws(FieldfareError) -> ReplannedDay {
        try await call { try $0.replanDay(date: date, update: update) }
    }

    /// Leads that can be visited beside what is still planned, everything planned on time, and the minutes
    /// it takes.
    public func leadsNearDay(
        _ date: CalendarDate, _ query: NearDayQuery = NearDayQuery()
    ) async throws(FieldfareError) -> NearDay {
        try await call { try $0.leadsNearDay(date: date, query: query) }
    }

    /// Begins to follow the route of a day: the road route that came by sync if it leads through the visits
    /// still to come in their order, else straight lines from stop to stop, from `position` if it is given.
    /// Needs no consent, as the fixes stay in memory; with consent for navigation the drive outlives the
    /// process.
    public func follow(
        _ date: CalendarDate, from position: LatLng? = nil
    ) async throws(FieldfareError) -> Drive {
        Drive(try await call { try $0.followDay(date: date, position: position) })
    }

    /// Takes up the drive under way where the process ended, if consent for navigation was and is given and
    /// its last fix is not older than `maxAge` seconds. Nil if there is nothing to take up.
    public func resumeFollowing(maxAge: TimeInterval) async throws(FieldfareError) -> Drive? {
        try await call { try $0.resumeFollowing(maxAge: maxAge) }.map(Drive.init)
    }

    /// Asks the server for another road route as `RouteAdvice.askForRoute` advises, and follows it. The server
    /// learns where the rep is for this one answer and does not keep it, so consent for navigation is needed.
    /// Says whether the route is followed: not if the driver is back on the old one, or the request is not
    /// the last.
    @discardableResult
    public func fetchRoute(_ drive: Drive, _ request: Int32) async throws(FieldfareError) -> Bool {
        let session = drive.session
        return try await asFieldfareError {
            try await self.engine.fetchRoute(session: session, request: request)
        }
    }
}
