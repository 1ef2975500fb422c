package dev.fieldfare.demo.android

import android.security.keystore.KeyGenParameterSpec
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import java.util.concurrent.ConcurrentHashMap
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

/** Stands in for Android's Keystore, which Robolectric lacks: it keeps AES keys by name, in memory. */
class AndroidKeyStoreProvider : Provider("AndroidKeyStore", "1.0", "For tests") {
    init {
        put("KeyStore.AndroidKeyStore", Store::class.java.name)
        put("KeyGenerator.AES", Generator::class.java.name)
    }

    class Store : KeyStoreSpi() {
        override fun engineLoad(
            stream: InputStream?,
            password: CharArray?,
        ) = Unit

        override fun engineAliases(): Enumeration<String> = Collections.enumeration(KEYS.keys)

        override fun engineGetKey(
            alias: String,
            password: CharArray?,
        ): Key? = KEYS[alias]

        override fun engineDeleteEntry(alias: String) {
            KEYS.remove(alias)
        }

        override fun engineContainsAlias(alias: String): Boolean = KEYS.containsKey(alias)

        override fun engineIsKeyEntry(alias: String): Boolean = KEYS.containsKey(alias)

        override fun engineSize(): Int = KEYS.size

        override fun engineIsCertificateEntry(alias: String): Boolean = false

        override fun engineGetCertificate(alias: String): Certificate? = null

        override fun engineGetCertificateAlias(certificate: Certificate?): String? = null

        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

        override fun engineGetCreationDate(alias: String): Date? = null

        override fun engineSetCertificateEntry(
            alias: String,
            certificate: Certificate?,
        ) = throw UnsupportedOperationException()

        override fun engineSetKeyEntry(
            alias: String,
            key: ByteArray?,
            chain: Array<Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineSetKeyEntry(
            alias: String,
            key: Key?,
            password: CharArray?,
            chain: Array<Certificate>?,
        ) = throw UnsupportedOperationException()

        override fun engineStore(
            stream: OutputStream?,
            password: CharArray?,
        ) = throw UnsupportedOperationException()
    }

    class Generator : KeyGeneratorSpi() {
        private var spec: KeyGenParameterSpec? = null

        override fun engineInit(
            params: AlgorithmParameterSpec?,
            random: SecureRandom?,
        ) {
            spec = params as KeyGenParameterSpec
        }

        override fun engineInit(random: SecureRandom?) = throw UnsupportedOperationException()

        override fun engineInit(
            keysize: Int,
            random: SecureRandom?,
        ) = throw UnsupportedOperationException()

        override fun engineGenerateKey(): SecretKey {
            val spec = checkNotNull(spec) { "the key has no specification" }
            val bytes = ByteArray(spec.keySize / 8).also(SecureRandom()::nextBytes)
            SPECS[spec.keystoreAlias] = spec
            return SecretKeySpec(bytes, "AES").also { KEYS[spec.keystoreAlias] = it }
        }
    }

    companion object {
        private val KEYS = ConcurrentHashMap<String, SecretKey>()

        /** What was asked for when the keys were made. */
        val SPECS = ConcurrentHashMap<String, KeyGenParameterSpec>()

        /** Registers it, with no keys. */
        fun install() {
            KEYS.clear()
            SPECS.clear()
            Security.removeProvider("AndroidKeyStore")
            Security.addProvider(AndroidKeyStoreProvider())
        }
    }
}
