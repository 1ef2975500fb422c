import Fieldfare

print(FieldfareClient.version)
