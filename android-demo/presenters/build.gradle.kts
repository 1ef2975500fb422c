plugins {
    id("com.android.library")
    kotlin("android")
}

android {
    namespace = "dev.fieldfare.demo"
    compileSdk = 36

    defaultConfig {
        minSdk = 26
    }

    sourceSets["main"].java.srcDir("src/main/kotlin")

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    api("dev.fieldfare:fieldfare-android:0.1.0")
}
