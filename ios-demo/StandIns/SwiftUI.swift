import Foundation
@_exported import Observation
@_exported import UIKit

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder @MainActor @preconcurrency var body: Body { get }
}
extension Never: View { public var body: Never { fatalError() } }
extension Optional: View where Wrapped: View { public var body: Never { fatalError() } }
public struct EmptyView: View {
    public init() {}
    public var body: Never { fatalError() }
}
public struct Several<each V: View>: View { public var body: Never { fatalError() } }
public struct Either<A: View, B: View>: View { public var body: Never { fatalError() } }
@resultBuilder public struct ViewBuilder {
    public static func buildExpression<V: View>(_ view: V) -> V { fatalError() }
    public static func buildBlock() -> EmptyView { fatalError() }
    public static func buildBlock<V: View>(_ view: V) -> V { fatalError() }
    public static func buildBlock<each V: View>(_ views: repeat each V) -> Several<repeat each V> {
        fatalError()
    }
    public static func buildIf<V: View>(_ view: V?) -> V? { fatalError() }
    public static func buildEither<A: View, B: View>(first: A) -> Either<A, B> { fatalError() }
    public static func buildEither<A: View, B: View>(second: B) -> Either<A, B> { fatalError() }
}

@propertyWrapper @MainActor @preconcurrency public struct State<Value> {
    public init(wrappedValue: Value) { fatalError() }
    public init(initialValue: Value) { fatalError() }
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { fatalError() }
}
@propertyWrapper @dynamicMemberLookup public struct Binding<Value> {
    @preconcurrency public init(
        get: @escaping @isolated(any) @Sendable () -> Value,
        set: @escaping @isolated(any) @Sendable (Value) -> Void
    ) { fatalError() }
    public init?(_ base: Binding<Value?>) { fatalError() }
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { self }
    public subscript<S>(dynamicMember path: WritableKeyPath<Value, S>) -> Binding<S> { fatalError() }
}
@propertyWrapper @dynamicMemberLookup @MainActor public struct Bindable<Value: AnyObject> {
    public init(wrappedValue: Value) { fatalError() }
    public var wrappedValue: Value { fatalError() }
    public var projectedValue: Bindable<Value> { self }
    public subscript<S>(dynamicMember path: ReferenceWritableKeyPath<Value, S>) -> Binding<S> { fatalError() }
}
public enum ScenePhase: Comparable { case background, inactive, active }
@MainActor public struct DismissAction { public func callAsFunction() {} }
public struct EnvironmentValues {
    public var scenePhase: ScenePhase { fatalError() }
    @MainActor public var dismiss: DismissAction { fatalError() }
}
@propertyWrapper @MainActor public struct Environment<Value> {
    public init(_ path: KeyPath<EnvironmentValues, Value>) { fatalError() }
    public var wrappedValue: Value { fatalError() }
}
@propertyWrapper @MainActor public struct UIApplicationDelegateAdaptor<D: UIApplicationDelegate> {
    public init(_ type: D.Type) { fatalError() }
    public var wrappedValue: D { fatalError() }
}

public struct Color: View, Sendable {
    public nonisolated static var blue: Color { fatalError() }
    public nonisolated static var orange: Color { fatalError() }
    public nonisolated static var green: Color { fatalError() }
    public nonisolated static var gray: Color { fatalError() }
    public nonisolated static var red: Color { fatalError() }
    public var body: Never { fatalError() }
}
public protocol ShapeStyle {}
extension Color: ShapeStyle {}
public struct HierarchicalShapeStyle: ShapeStyle {}
extension ShapeStyle where Self == HierarchicalShapeStyle {
    public static var primary: HierarchicalShapeStyle { fatalError() }
    public static var secondary: HierarchicalShapeStyle { fatalError() }
}
extension ShapeStyle where Self == Color {
    public static var orange: Color { fatalError() }
    public static var red: Color { fatalError() }
}
public struct Font {
    public static var headline: Font { fatalError() }
    public static var subheadline: Font { fatalError() }
    public static var callout: Font { fatalError() }
    public static var footnote: Font { fatalError() }
    public static var title: Font { fatalError() }
    public static var title2: Font { fatalError() }
    public func monospacedDigit() -> Font { self }
}
public enum HorizontalAlignment { case leading, center, trailing }
public enum Axis { case horizontal, vertical }
public struct TextAlignmentStub {}

public struct Text: View {
    public struct DateStyle {
        public static var date: DateStyle { fatalError() }
        public static var time: DateStyle { fatalError() }
    }
    public init(_ text: some StringProtocol) {}
    public init(_ date: Date, style: DateStyle) {}
    public func font(_ font: Font?) -> Text { self }
    public func foregroundStyle(_ style: some ShapeStyle) -> Text { self }
    public var body: Never { fatalError() }
}
public struct Image: View {
    public init(systemName: String) {}
    public var body: Never { fatalError() }
}
public struct Label<Title: View, Icon: View>: View {
    public var body: Never { fatalError() }
}
extension Label where Title == Text, Icon == Image {
    public init(_ title: some StringProtocol, systemImage: String) { fatalError() }
}
public struct Circle: View {
    public init() {}
    public func fill(_ style: some ShapeStyle) -> some View { self }
    public var body: Never { fatalError() }
}
public struct Spacer: View {
    public init() {}
    public var body: Never { fatalError() }
}
public struct ProgressView: View {
    public init() {}
    public init(_ title: some StringProtocol) {}
    public init(value: Double?, total: Double = 1) {}
    public var body: Never { fatalError() }
}
public struct VStack<C: View>: View {
    public init(
        alignment: HorizontalAlignment = .center, spacing: Double? = nil, @ViewBuilder content: () -> C
    ) {}
    public var body: Never { fatalError() }
}
public struct HStack<C: View>: View {
    public init(spacing: Double? = nil, @ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
public struct List<C: View>: View {
    public init(@ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
public struct Form<C: View>: View {
    public init(@ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
public struct Section<H: View, C: View, F: View>: View {
    public var body: Never { fatalError() }
}
extension Section where H == EmptyView, F == EmptyView {
    public init(@ViewBuilder content: () -> C) { fatalError() }
}
extension Section where H == Text, F == EmptyView {
    public init(_ title: some StringProtocol, @ViewBuilder content: () -> C) { fatalError() }
}
extension Section where H == EmptyView {
    public init(@ViewBuilder content: () -> C, @ViewBuilder footer: () -> F) { fatalError() }
}
public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content> {}
extension ForEach: View where Content: View {
    public init(
        _ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content
    ) {
        fatalError()
    }
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content)
    where Data.Element: Identifiable, ID == Data.Element.ID { fatalError() }
    public var body: Never { fatalError() }
}
public struct ButtonRole: Equatable, Sendable {
    public static var destructive: ButtonRole { fatalError() }
    public static var cancel: ButtonRole { fatalError() }
}
public struct Button<L: View>: View {
    @preconcurrency public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> L) {}
    public var body: Never { fatalError() }
}
extension Button where L == Text {
    @preconcurrency public init(_ title: some StringProtocol, action: @escaping @MainActor () -> Void) {
        fatalError()
    }
    @preconcurrency public init(
        _ title: some StringProtocol, role: ButtonRole?, action: @escaping @MainActor () -> Void
    ) { fatalError() }
}
extension Button where L == Label<Text, Image> {
    @preconcurrency public init(
        _ title: some StringProtocol, systemImage: String, action: @escaping @MainActor () -> Void
    ) { fatalError() }
}
public struct TextField: View {
    public init(_ title: some StringProtocol, text: Binding<String>) {}
    public init(_ title: some StringProtocol, text: Binding<String>, axis: Axis) {}
    public var body: Never { fatalError() }
}
public struct Toggle: View {
    public init(_ title: some StringProtocol, isOn: Binding<Bool>) {}
    public var body: Never { fatalError() }
}
public struct Picker<V: Hashable, C: View>: View {
    public init(_ title: some StringProtocol, selection: Binding<V>, @ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
public struct DatePicker: View {
    public init(_ title: some StringProtocol, selection: Binding<Date>, in range: PartialRangeFrom<Date>) {}
    public var body: Never { fatalError() }
}
public struct LabeledContent<C: View>: View {
    public init(_ title: some StringProtocol, @ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
extension LabeledContent where C == Text {
    public init(_ title: some StringProtocol, value: some StringProtocol) { fatalError() }
}
public struct ContentUnavailableView<L: View, D: View, A: View>: View {
    public init(@ViewBuilder label: () -> L, @ViewBuilder description: () -> D, @ViewBuilder actions: () -> A)
    {}
    public var body: Never { fatalError() }
}
extension ContentUnavailableView where L == Text, D == Text?, A == EmptyView {
    public init(_ title: some StringProtocol, systemImage: String, description: Text? = nil) { fatalError() }
}
public struct TabView<C: View>: View {
    public init(@ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
public struct NavigationStack<C: View>: View {
    public init(@ViewBuilder root: () -> C) {}
    public var body: Never { fatalError() }
}
public struct NavigationLink<L: View>: View {
    public init(value: (some Hashable)?, @ViewBuilder label: () -> L) {}
    public var body: Never { fatalError() }
}
public struct ToolbarItemPlacement {
    public static var cancellationAction: ToolbarItemPlacement { fatalError() }
    public static var confirmationAction: ToolbarItemPlacement { fatalError() }
}
public struct ToolbarItem<C: View>: View {
    public init(placement: ToolbarItemPlacement, @ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}

@MainActor @preconcurrency public protocol ViewModifier {
    associatedtype Body: View
    typealias Content = ModifiedContent
    @ViewBuilder @MainActor @preconcurrency func body(content: Content) -> Body
}
public struct ModifiedContent: View { public var body: Never { fatalError() } }

public protocol ListStyle {}
public struct PlainListStyle: ListStyle {}
extension ListStyle where Self == PlainListStyle { public static var plain: PlainListStyle { fatalError() } }
public protocol PickerStyle {}
public struct SegmentedPickerStyle: PickerStyle {}
extension PickerStyle where Self == SegmentedPickerStyle {
    public static var segmented: SegmentedPickerStyle { fatalError() }
}
public protocol PrimitiveButtonStyle {}
public struct BorderedButtonStyle: PrimitiveButtonStyle {}
public struct BorderedProminentButtonStyle: PrimitiveButtonStyle {}
extension PrimitiveButtonStyle where Self == BorderedButtonStyle {
    public static var bordered: BorderedButtonStyle { fatalError() }
}
extension PrimitiveButtonStyle where Self == BorderedProminentButtonStyle {
    public static var borderedProminent: BorderedProminentButtonStyle { fatalError() }
}
public struct TextInputAutocapitalization {
    public static var characters: TextInputAutocapitalization { fatalError() }
}
public enum UIKeyboardType { case phonePad, emailAddress }
public struct AccessibilityTraits: SetAlgebraStub {
    public static var isSelected: AccessibilityTraits { fatalError() }
}
public protocol SetAlgebraStub: ExpressibleByArrayLiteral {}
extension SetAlgebraStub { public init(arrayLiteral elements: Never...) { fatalError() } }

extension View {
    public func modifier(_ modifier: some ViewModifier) -> some View { self }
    @preconcurrency public func task(_ action: @escaping @Sendable @MainActor () async -> Void) -> some View {
        self
    }
    @preconcurrency public func task(
        id: some Equatable, _ action: @escaping @Sendable @MainActor () async -> Void
    ) -> some View { self }
    public func tabItem(@ViewBuilder _ label: () -> some View) -> some View { self }
    public func badge(_ count: Int) -> some View { self }
    public func navigationTitle(_ title: some StringProtocol) -> some View { self }
    public func navigationDestination<D: Hashable>(
        for data: D.Type, @ViewBuilder destination: @escaping (D) -> some View
    ) -> some View { self }
    public func searchable(text: Binding<String>, prompt: some StringProtocol) -> some View { self }
    @preconcurrency public func refreshable(action: @escaping @Sendable @MainActor () async -> Void)
        -> some View
    { self }
    public func onAppear(perform action: (() -> Void)? = nil) -> some View { self }
    public func onDisappear(perform action: (() -> Void)? = nil) -> some View { self }
    public func frame(width: Double? = nil, height: Double? = nil) -> some View { self }
    public func frame(minHeight: Double? = nil, maxHeight: Double? = nil) -> some View { self }
    public func padding(_ length: Double) -> some View { self }
    public func padding() -> some View { self }
    public func listStyle(_ style: some ListStyle) -> some View { self }
    public func pickerStyle(_ style: some PickerStyle) -> some View { self }
    public func buttonStyle(_ style: some PrimitiveButtonStyle) -> some View { self }
    public func overlay(@ViewBuilder content: () -> some View) -> some View { self }
    public func safeAreaInset(edge: VerticalEdge, @ViewBuilder content: () -> some View) -> some View { self }
    public func font(_ font: Font?) -> some View { self }
    public func foregroundStyle(_ style: some ShapeStyle) -> some View { self }
    public func disabled(_ isDisabled: Bool) -> some View { self }
    public func tag(_ tag: some Hashable) -> some View { self }
    public func textInputAutocapitalization(_ way: TextInputAutocapitalization?) -> some View { self }
    public func autocorrectionDisabled(_ isDisabled: Bool = true) -> some View { self }
    public func keyboardType(_ type: UIKeyboardType) -> some View { self }
    public func lineLimit(_ range: ClosedRange<Int>) -> some View { self }
    public func accessibilityHidden(_ isHidden: Bool) -> some View { self }
    public func accessibilityLabel(_ label: some StringProtocol) -> some View { self }
    public func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { self }
    public func accessibilityElement(children: AccessibilityChildBehavior) -> some View { self }
    public func toolbar(@ViewBuilder content: () -> some View) -> some View { self }
    public func sheet<I: Identifiable>(
        item: Binding<I?>, @ViewBuilder content: @escaping (I) -> some View
    ) -> some View { self }
    public func sheet(isPresented: Binding<Bool>, @ViewBuilder content: @escaping () -> some View)
        -> some View
    { self }
    public func confirmationDialog(
        _ title: some StringProtocol, isPresented: Binding<Bool>, @ViewBuilder actions: () -> some View
    ) -> some View { self }
}
public enum VerticalEdge { case top, bottom }
public struct AccessibilityChildBehavior {
    public static var combine: AccessibilityChildBehavior { fatalError() }
}

@MainActor @preconcurrency public protocol Scene {
    associatedtype Body: Scene
    @MainActor @preconcurrency var body: Body { get }
}
extension Never: Scene {}
public struct WindowGroup<C: View>: Scene {
    public init(@ViewBuilder content: () -> C) {}
    public var body: Never { fatalError() }
}
extension Scene {
    public func onChange<V: Equatable>(of value: V, _ action: @escaping (V, V) -> Void) -> some Scene { self }
}
@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    @MainActor @preconcurrency var body: Body { get }
    @MainActor @preconcurrency init()
}
extension App { @MainActor public static func main() {} }
