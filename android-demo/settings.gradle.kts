pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "fieldfare-android-demo"

include(":presenters", ":screens", ":app")

// The Kotlin package from this repository, in place of a published one.
includeBuild("../bindings/kotlin") {
    dependencySubstitution {
        substitute(module("dev.fieldfare:fieldfare-android")).using(project(":"))
    }
}
