package dev.fieldfare.demo.android

import android.security.keystore.KeyProperties
import dev.fieldfare.EngineConfig
import dev.fieldfare.Fieldfare
import dev.fieldfare.FieldfareException
import dev.fieldfare.VaultException
import kotlinx.coroutines.runBlocking
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import kotlin.io.path.createTempDirectory
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull

@RunWith(RobolectricTestRunner::class)
@Config(manifest = Config.NONE, sdk = [34])
class KeystoreVaultTest {
    private val key = ByteArray(32) { it.toByte() }

    @Before
    fun emptyKeystore() = AndroidKeyStoreProvider.install()

    @Test
    fun `what is sealed is opened by any vault of this phone`() {
        val sealed = KeystoreVault().wrap(key)
        assertContentEquals(key, KeystoreVault().unwrap(sealed))
        assertFalse(sealed.toList().windowed(8).any { it == key.take(8) }, "the key lies open")
        assertFalse(sealed.contentEquals(KeystoreVault().wrap(key)), "the nonce is used again")
        assertEquals(1, KeystoreVault().generation())
    }

    @Test
    fun `the key is AES-256 for GCM and cannot be used for anything else`() {
        KeystoreVault().wrap(key)
        val spec = AndroidKeyStoreProvider.SPECS.values.single()
        assertEquals(256, spec.keySize)
        assertContentEquals(arrayOf(KeyProperties.BLOCK_MODE_GCM), spec.blockModes)
        assertContentEquals(arrayOf(KeyProperties.ENCRYPTION_PADDING_NONE), spec.encryptionPaddings)
        assertEquals(KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT, spec.purposes)
    }

    @Test
    fun `a changed or short seal is rejected`() {
        val sealed = KeystoreVault().wrap(key)
        for (at in listOf(0, 12, sealed.size - 1)) {
            val changed = sealed.copyOf().also { it[at] = (it[at].toInt() xor 1).toByte() }
            assertFailsWith<VaultException.Rejected> { KeystoreVault().unwrap(changed) }
        }
        assertFailsWith<VaultException.Rejected> { KeystoreVault().unwrap(ByteArray(5)) }
    }

    @Test
    fun `after the key is destroyed nothing opens, and the next key is another`() {
        val vault = KeystoreVault()
        val sealed = vault.wrap(key)
        vault.destroyKey()
        assertEquals(0, vault.generation())
        assertFailsWith<VaultException.KeyLost> { vault.unwrap(sealed) }
        vault.wrap(key)
        assertFailsWith<VaultException.Rejected> { vault.unwrap(sealed) }
    }

    @Test
    fun `the engine's files open with this Keystore and with no other`() =
        runBlocking {
            val folder = createTempDirectory("fieldfare-vault-").toFile()
            val config = EngineConfig(dir = "$folder/phone", serverUrl = "https://sync.example.com")
            Fieldfare.open(config, KeystoreVault()).close()
            Fieldfare.open(config, KeystoreVault()).use { assertNotNull(it.openReport()) }
            AndroidKeyStoreProvider.install()
            assertFailsWith<FieldfareException.Key> { Fieldfare.open(config, KeystoreVault()) }
            folder.deleteRecursively()
            Unit
        }
}
