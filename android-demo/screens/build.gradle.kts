plugins {
    id("com.android.library")
    kotlin("android")
    kotlin("plugin.compose")
}

android {
    namespace = "dev.fieldfare.demo.ui"
    compileSdk = 36

    defaultConfig {
        minSdk = 26
    }

    sourceSets["main"].java.srcDir("src/main/kotlin")

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    buildFeatures { compose = true }
}

dependencies {
    api(project(":presenters"))
    implementation(platform("androidx.compose:compose-bom:2025.06.00"))
    api("androidx.compose.material3:material3")
}
