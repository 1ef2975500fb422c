package dev.fieldfare.demo.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import dev.fieldfare.KeyVault
import dev.fieldfare.VaultException
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * Seals the data key with AES-256-GCM under a key of Android's Keystore that cannot be read out of it, not even by this
 * app. The engine keeps what is sealed; the Keystore keeps what it is sealed with.
 *
 * The key needs no unlocked screen, as alerts and sync run while the phone is in a pocket.
 */
class KeystoreVault(
    private val prefix: String = "fieldfare",
) : KeyVault {
    private val keys: KeyStore = KeyStore.getInstance(PROVIDER).also { it.load(null) }

    /** Each key has the number of its making in its name; the Keystore counts. */
    @Synchronized
    override fun generation(): Int =
        guarded {
            keys
                .aliases()
                .toList()
                .mapNotNull { it.removePrefix("$prefix-").toIntOrNull() }
                .maxOrNull() ?: 0
        }

    @Synchronized
    override fun wrap(key: ByteArray): ByteArray =
        guarded {
            val cipher = Cipher.getInstance(TRANSFORMATION)
            cipher.init(Cipher.ENCRYPT_MODE, current() ?: make())
            cipher.iv + cipher.doFinal(key)
        }

    @Synchronized
    override fun unwrap(wrapped: ByteArray): ByteArray =
        guarded {
            if (wrapped.size <= IV_BYTES) throw VaultException.Rejected()
            val cipher = Cipher.getInstance(TRANSFORMATION)
            val iv = GCMParameterSpec(TAG_BITS, wrapped, 0, IV_BYTES)
            cipher.init(Cipher.DECRYPT_MODE, current() ?: throw VaultException.KeyLost(), iv)
            cipher.doFinal(wrapped, IV_BYTES, wrapped.size - IV_BYTES)
        }

    @Synchronized
    override fun destroyKey() =
        guarded {
            keys
                .aliases()
                .toList()
                .filter { it.startsWith("$prefix-") }
                .forEach(keys::deleteEntry)
        }

    private fun current(): SecretKey? = keys.getKey(alias(generation()), null) as SecretKey?

    private fun make(): SecretKey {
        val spec =
            KeyGenParameterSpec
                .Builder(alias(generation() + 1), KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
                .setKeySize(KEY_BITS)
                .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
                .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
                .build()
        val generator = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER)
        generator.init(spec)
        return generator.generateKey()
    }

    private fun alias(generation: Int): String = "$prefix-$generation"

    /** The Keystore's many exceptions in the engine's few words. */
    private fun <T> guarded(block: () -> T): T =
        try {
            block()
        } catch (_: AEADBadTagException) {
            throw VaultException.Rejected()
        } catch (_: KeyPermanentlyInvalidatedException) {
            throw VaultException.KeyLost()
        } catch (_: UnrecoverableKeyException) {
            throw VaultException.KeyLost()
        } catch (_: GeneralSecurityException) {
            throw VaultException.Unavailable()
        }

    private companion object {
        const val PROVIDER = "AndroidKeyStore"
        const val TRANSFORMATION = "AES/GCM/NoPadding"
        const val KEY_BITS = 256
        const val TAG_BITS = 128
        const val IV_BYTES = 12
    }
}
