// The Android package (AAR). The Maven build beside it compiles the same sources and runs every test.
import org.gradle.api.tasks.Exec

plugins {
    id("com.android.library") version "8.13.0"
    kotlin("android") version "2.4.21"
    id("maven-publish")
}

group = "dev.fieldfare"
version = "0.1.0"

val repository = rootDir.resolve("../..")
val libraries = layout.buildDirectory.dir("rustJniLibs")
val generated = layout.buildDirectory.dir("generated/uniffi")

android {
    namespace = "dev.fieldfare"
    compileSdk = 36
    ndkVersion = "28.2.13676358"

    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    sourceSets["main"].apply {
        java.srcDir("src/main/kotlin")
        java.srcDir(generated.map { it.dir("kotlin") })
        jniLibs.srcDir(libraries)
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    publishing { singleVariant("release") { withSourcesJar() } }
}

dependencies {
    // From 5.18.1 on JNA's own library has 16 KB pages and reads structures safely from several threads.
    api("net.java.dev.jna:jna:5.19.1@aar")
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
}

// Needs cargo-ndk 4 and the Rust targets aarch64-linux-android and x86_64-linux-android.
val cargoBuild =
    tasks.register<Exec>("cargoBuild") {
        workingDir = repository
        commandLine("scripts/android-library", android.ndkDirectory.path, libraries.get().asFile.path)
    }

val generate =
    tasks.register<Exec>("generateBindings") {
        dependsOn(cargoBuild)
        workingDir = repository
        commandLine(
            "scripts/bindings-generate",
            "target/aarch64-linux-android/phone/libfieldfare.so",
            generated.get().asFile.path,
        )
    }

val pages =
    tasks.register<Exec>("checkPageSize") {
        dependsOn(cargoBuild)
        workingDir = repository
        commandLine("scripts/check-page-size", libraries.get().asFile.path)
    }

tasks.named("preBuild") { dependsOn(generate, pages) }

publishing {
    publications {
        register<MavenPublication>("release") {
            artifactId = "fieldfare-android"
            afterEvaluate { from(components["release"]) }
        }
    }
}
