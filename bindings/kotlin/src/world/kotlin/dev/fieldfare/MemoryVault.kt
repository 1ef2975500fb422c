package dev.fieldfare

import java.security.SecureRandom
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec

/** A vault in memory, as an app would write one: AES-GCM under a key that never leaves it. */
class MemoryVault : KeyVault {
    private var made = 0
    private var key: SecretKey? = null

    /** The next calls fail with this. */
    @Volatile
    var failure: Exception? = null

    @Synchronized
    override fun generation(): Int = check(if (key == null) 0 else made)

    @Synchronized
    override fun wrap(key: ByteArray): ByteArray {
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.ENCRYPT_MODE, this.key ?: makeKey())
        return check(cipher.iv + cipher.doFinal(key))
    }

    @Synchronized
    override fun unwrap(wrapped: ByteArray): ByteArray {
        val key = this.key ?: throw VaultException.KeyLost()
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, wrapped, 0, IV_BYTES))
        try {
            return check(cipher.doFinal(wrapped, IV_BYTES, wrapped.size - IV_BYTES))
        } catch (_: AEADBadTagException) {
            throw VaultException.Rejected()
        }
    }

    @Synchronized
    override fun destroyKey() {
        key = check(null)
    }

    private fun <T> check(value: T): T {
        failure?.let { throw it }
        return value
    }

    private fun makeKey(): SecretKey {
        val bytes = ByteArray(KEY_BYTES).also { SecureRandom().nextBytes(it) }
        made += 1
        return SecretKeySpec(bytes, "AES").also { key = it }
    }

    private companion object {
        const val TRANSFORMATION = "AES/GCM/NoPadding"
        const val TAG_BITS = 128
        const val IV_BYTES = 12
        const val KEY_BYTES = 32
    }
}
